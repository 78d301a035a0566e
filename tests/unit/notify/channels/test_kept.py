"""What is kept of versions is bounded, in number and in size, and forgotten when their thread changes."""

from dataclasses import replace

from services.notify.channels.kept import KeptVersions
from services.storage.records import Version
from tests.builders import make_alert
from tests.deliveries_rig import make_thread, make_version


def _version(name: str, *, narrative: str = "short", thread: str = "") -> Version:
    alert = make_alert(narrative=narrative)
    return make_version(alert, message_id=name, thread=make_thread(alert, id=thread or name))


def _names(kept: KeptVersions, *names: str) -> list[str]:
    return [name for name in names if kept.get(name, 0) is not None]


def test_the_oldest_are_forgotten_beyond_the_number() -> None:
    kept = KeptVersions(most=2)
    for name in ("a", "b", "c"):
        kept.keep(_version(name))
    assert _names(kept, "a", "b", "c") == ["b", "c"]


def test_large_alerts_take_the_room_of_many() -> None:
    kept = KeptVersions(most_bytes=21_000)
    for name in ("a", "b", "c"):
        kept.keep(_version(name, narrative="x" * 5_000))
    assert _names(kept, "a", "b", "c") == ["a", "b", "c"]
    kept.keep(_version("d", narrative="x" * 6_000))
    assert _names(kept, "a", "b", "c", "d") == ["b", "c", "d"]
    kept.keep(_version("d"))  # read again, and no longer large
    kept.keep(_version("e", narrative="x" * 4_500))
    assert _names(kept, "b", "c", "d", "e") == ["b", "c", "d", "e"]
    kept.keep(_version("f", narrative="x" * 20_000))  # more than all that may be kept
    assert _names(kept, "b", "c", "d", "e", "f") == []


def test_what_was_read_before_the_thread_changed_is_forgotten() -> None:
    kept = KeptVersions()
    first = _version("first", thread="t")
    kept.keep(first)
    kept.keep(_version("other"))
    second = replace(_version("second"), thread=replace(first.thread, version=2))
    kept.keep(second)
    assert _names(kept, "first", "second", "other") == ["second", "other"]
