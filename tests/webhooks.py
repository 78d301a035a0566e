"""A network for the webhook channel that answers as a test says, without sockets."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from services.notify.channels.webhook import Body, Reply


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One request as it would leave."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass
class Chunks:
    """The body of a reply, counted as it is read; it is never known to be whole before."""

    chunks: Iterable[bytes] = ()
    read: int = 0

    def is_eof(self) -> bool:
        return not self.chunks

    async def iter_any(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.read += len(chunk)
            yield chunk


@dataclass(frozen=True)
class Answer:
    """A reply."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Body = field(default_factory=Chunks)

    def release(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Answering:
    """Answers each request by a function, which may raise what the network would."""

    answer: Callable[[Posted], Reply]

    async def post(
        self, url: str, *, data: bytes, headers: Mapping[str, str], allow_redirects: bool
    ) -> Reply:
        assert not allow_redirects
        return self.answer(Posted(url=url, body=data, headers=headers))

    async def close(self) -> None:
        """Nothing is open."""
