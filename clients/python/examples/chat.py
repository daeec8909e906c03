"""A conversation on a terminal: each line is sent, what comes is written, and so is who is composing.

    python examples/chat.py alice@localhost bob@localhost --server 127.0.0.1:2778 [--invite TOKEN]

Kill it in the middle of a line that was not answered and start it again: the line arrives, once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import adsum


async def main() -> None:
    """Enrols once, then reads and writes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("principal")
    arguments.add_argument("to")
    arguments.add_argument("--server", default="127.0.0.1:2778")
    arguments.add_argument("--invite")
    arguments.add_argument("--home", type=Path, default=Path("~/.local/state/adsum-chat"))
    asked = arguments.parse_args()
    home = adsum.Home(asked.home)
    if home.load() is None:
        await adsum.enroll(asked.principal, asked.server, home=home, invite=asked.invite, label="chat")
    async with adsum.Client(home=home, answer_timeout=None) as client:
        for left in client.unfinished:
            print(f"* once more: {left.what}", flush=True)
        reading = asyncio.create_task(read(client, asked.to))
        try:
            await write(client, asked.to)
        finally:
            reading.cancel()


async def read(client: adsum.Client, to: str) -> None:
    """Writes what the other one says, and does."""
    async for event in client.inbox().events():
        if isinstance(event, adsum.Composing):
            if event.sender == to:
                print(f"* {to} {'is composing' if event.is_active else 'has stopped'}", flush=True)
        elif event.sender == to:
            print(f"{to}: {event.text}", flush=True)


async def write(client: adsum.Client, to: str) -> None:
    """Sends each line. A terminal gives whole lines only, so an empty one says that the next is a long one."""
    while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        if line.strip():
            await client.send(f"im:{to}", line.rstrip("\n"))
        else:
            await client.composing(f"im:{to}", content_type="text/plain")


if __name__ == "__main__":
    asyncio.run(main())
