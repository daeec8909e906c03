"""Writes a line for each change of presence of those it watches.

    python examples/presence_logger.py logger@localhost pres:alice@localhost ... --server 127.0.0.1:2778

Kill it and start it again: it goes on behind the last line it wrote.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import adsum


async def main() -> None:
    """Enrols once, then watches."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("principal")
    arguments.add_argument("presentity", nargs="+")
    arguments.add_argument("--server", default="127.0.0.1:2778")
    arguments.add_argument("--invite")
    arguments.add_argument("--home", type=Path, default=Path("~/.local/state/adsum-logger"))
    asked = arguments.parse_args()
    home = adsum.Home(asked.home)
    if home.load() is None:
        await adsum.enroll(asked.principal, asked.server, home=home, invite=asked.invite, label="logger")
    async with adsum.Client(home=home, answer_timeout=None) as client:
        async for shown in client.watch(*asked.presentity, every=True):
            line = {
                "presentity": shown.presentity,
                "state": shown.state.name.lower(),
                "open": shown.is_open,
                "notes": shown.notes,
                "anew": shown.anew,
            }
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
