"""Where a webhook may be sent: the decision only, nothing is connected to."""

import socket

import pytest

from services.notify.channels.address_guard import AddressGuard, AddressRefused

INNER = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104  # refused, not bound
    "192.0.0.8",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "ff02::1",
    "not an address",
]


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_refused_in_every_form(address: str) -> None:
    assert not AddressGuard().permits(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700:4700::1111"])
def test_a_public_address_is_permitted(address: str) -> None:
    assert AddressGuard().permits(address)


def test_an_allowed_network_is_permitted_and_nothing_beside_it() -> None:
    guard = AddressGuard(["127.0.0.0/8"])
    assert guard.permits("127.0.0.1")
    assert not guard.permits("10.0.0.1")
    assert not guard.permits("::ffff:127.0.0.1")


def test_no_socket_is_made_for_an_address_that_is_refused() -> None:
    found = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
    with pytest.raises(AddressRefused):
        AddressGuard().open_socket(found)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example.org/x", None),
        ("http://hooks.example.org/x", "https_only"),
        ("http://127.0.0.1:8080/x", None),
        ("http://10.0.0.1/x", "https_only"),
        ("https://127.0.0.1/x", None),
        ("https://93.184.215.14/x", None),
        ("https://10.0.0.1/x", "address_refused"),
        ("https://[fd00::1]/x", "address_refused"),
        ("https://[::ffff:10.0.0.1]/x", "address_refused"),
        ("ftp://hooks.example.org", "https_only"),
        ("https://user:word@hooks.example.org", "url_malformed"),
        ("https://", "url_malformed"),
        ("https://hooks.example.org:99999", "url_malformed"),
        ("https://[::1", "url_malformed"),
        ("", "url_malformed"),
    ],
)
def test_only_https_but_for_allowed_addresses(url: str, reason: str | None) -> None:
    assert AddressGuard(["127.0.0.0/8"]).refuses_url(url) == reason
