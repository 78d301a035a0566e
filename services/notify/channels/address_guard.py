"""Which addresses a webhook may connect to; asked for every connection, after the name was resolved.

A check of the URL alone is bypassed by a name that resolves to an inner address, so the decision is made where
the socket is made: names and literals alike end there. Mapped, translated and nested forms are unwrapped first.
"""

import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from ssrfguard import DEFAULT_DENIED

Network = IPv4Network | IPv6Network

_ADDRESSES: Final = 4096  # of webhooks, whose form is looked at once
_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


class AddressRefused(OSError):
    """The address is not one that a webhook may be sent to."""


class AddressGuard:
    """Refuses private, loopback, link-local and translated addresses unless they are in ``allowed``.

    An allowed network may also be reached by plain http: that is how a demonstration runs on one machine.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed: tuple[Network, ...] = tuple(ip_network(one) for one in allowed)
        self._refusal = lru_cache(maxsize=_ADDRESSES)(self._look_at)

    def permits(self, address: str) -> bool:
        """Return whether a connection to this literal address may be made."""
        try:
            parsed = ip_address(address.split("%", 1)[0])
        except ValueError:
            return False
        return self._is_allowed(address) or not DEFAULT_DENIED.classify(parsed).blocked

    def refuses_url(self, url: str) -> str | None:
        """Return why a URL is no webhook's target, before anything is resolved; None: it may be tried."""
        return self._refusal(url)

    def _look_at(self, url: str) -> str | None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "url_malformed"
        if parts.username is not None or parts.password is not None or not parts.hostname or port == 0:
            return "url_malformed"
        if parts.scheme == "https":
            return None if self._may_be_reached(parts.hostname) else "address_refused"
        if parts.scheme == "http" and self._is_allowed(parts.hostname):
            return None
        return "https_only"

    def open_socket(self, found: Any) -> socket.socket:
        """Return a socket for a resolved address; the socket factory of `aiohttp.TCPConnector`.

        ``AddressRefused`` where it may not be connected to: the name's other addresses are tried then.
        """
        family, kind, protocol, _, place = found
        if family not in _FAMILIES or not self.permits(place[0]):
            raise AddressRefused("the address of this webhook is not public")
        return socket.socket(family=family, type=kind, proto=protocol)

    def _may_be_reached(self, host: str) -> bool:
        """Return whether nothing is known against a host before its name is resolved."""
        try:
            ip_address(host)
        except ValueError:
            return True
        return self.permits(host)

    def _is_allowed(self, host: str) -> bool:
        try:
            parsed = ip_address(host)
        except ValueError:
            return False
        return any(parsed.version == one.version and parsed in one for one in self._allowed)
