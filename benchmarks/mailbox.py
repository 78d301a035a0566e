"""A mail sink as a process of its own: takes every message and keeps when, to whom and which.

Run as `python -m benchmarks.mailbox [DIRECTORY]`; it prints its SMTP port and its HTTP port. `GET /log` on the
latter gives one JSON object a message; with DIRECTORY each message is also saved there as a file.
"""

import asyncio
import json
import re
import sys
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

_SAYS = re.compile(r"\b([A-Z]+-\d{6})\s+version\s+(\d+)\b")  # in the words of alerts that have versions
_RELAY_ID = re.compile(r"\b[A-Z]{2,8}-[A-Z]{2}-\d{4}-\d{6,}\b")


class Mailbox:
    """Keeps every message; an `aiosmtpd` handler."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.entries: list[dict[str, object]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep one message."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message = message_from_bytes(raw, policy=policy.default)
        number = len(self.entries) + 1
        text = _text_of(message)
        said = _SAYS.search(text)
        self.entries.append(
            {
                "at": time.monotonic(),
                "to": envelope.rcpt_tos,
                "id": message["Message-ID"],
                "subject": str(message["Subject"]),
                "language": message["Content-Language"],
                "about": found.group() if (found := _RELAY_ID.search(text)) else None,
                "national_ref": said.group(1) if said else None,
                "alert_version": int(said.group(2)) if said else None,
                "number": number,
            }
        )
        if self._folder is not None:
            await asyncio.to_thread((self._folder / f"{number:05}.eml").write_bytes, raw)
        return "250 OK"

    def as_lines(self) -> bytes:
        """Return the log as JSON Lines."""
        return b"".join(json.dumps(entry).encode() + b"\n" for entry in self.entries)


def _text_of(message: EmailMessage) -> str:
    """Return the text: which alert a letter is about is taken from what it says."""
    text = message.get_body(("plain",))
    return "" if text is None else str(text.get_content())


async def main(folder: Path | None) -> None:
    """Serve on two free ports of the loopback until ended."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    mailbox = Mailbox(folder)
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
    )

    async def log(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        counted = head.startswith(b"GET /count")
        content = str(len(mailbox.entries)).encode() if counted else mailbox.as_lines()
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(content) + content
        )
        await writer.drain()
        writer.close()

    page = await asyncio.start_server(log, "127.0.0.1", 0)
    print(mail.sockets[0].getsockname()[1], page.sockets[0].getsockname()[1], flush=True)
    async with mail, page:
        await asyncio.gather(mail.serve_forever(), page.serve_forever())


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
    except KeyboardInterrupt:
        sys.exit(0)
