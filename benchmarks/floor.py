"""The floor: the same bytes written and synced to a file, then posted by a bare client. Nothing can be faster."""

import asyncio
import os
import time
from pathlib import Path

import httpx


async def run(bodies: list[bytes], *, url: str, file: Path, per_second: float) -> list[float]:
    """Return the milliseconds from the write to the answer, at an even rate."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    times: list[float] = []
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            began = time.monotonic()
            for number, body in enumerate(bodies):
                await asyncio.sleep(began + number / per_second - time.monotonic())
                start = time.monotonic()
                os.write(handle, body)
                os.fdatasync(handle)
                await client.post(url, content=body, headers={"webhook-id": f"floor-{number}"})
                times.append((time.monotonic() - start) * 1000)
    finally:
        os.close(handle)
    return times


def accepts(bodies: list[bytes], *, file: Path) -> float:
    """Return how many bodies a second one writer makes durable, one by one."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.monotonic()
    try:
        for body in bodies:
            os.write(handle, body)
            os.fdatasync(handle)
    finally:
        os.close(handle)
    return len(bodies) / (time.monotonic() - began)
