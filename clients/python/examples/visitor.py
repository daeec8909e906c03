"""Nobody in particular: says who of some people is there, and may leave one of them a message.

    python examples/visitor.py pres:alice@localhost ... --server 127.0.0.1:2778 [--tell "I was here" --stay]

Each of them decides by rules for `anonymous` what it is shown, on a server that lets in who does not say who it is
(`adsum serve --anonymous`).
"""

from __future__ import annotations

import argparse
import asyncio

import adsum


async def main() -> None:
    """Looks, writes, and stays if it is told to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("presentity", nargs="+")
    arguments.add_argument("--server", default="127.0.0.1:2778")
    arguments.add_argument("--tell", help="a message for the first of them")
    arguments.add_argument("--stay", action="store_true", help="say when something changes")
    asked = arguments.parse_args()
    async with adsum.Client.anonymous(asked.server) as nobody:
        visible = []
        for presentity in asked.presentity:
            try:
                tell(await nobody.fetch(presentity))
                visible.append(presentity)
            except adsum.Refused as refused:
                print(f"{presentity}: {refused}", flush=True)
        if asked.tell is not None:
            await nobody.send("im:" + asked.presentity[0].removeprefix("pres:"), asked.tell)
            print(f"told as {(await nobody.welcome()).principal}", flush=True)
        if asked.stay and visible:
            async for shown in nobody.watch(*visible):
                tell(shown)


def tell(shown: adsum.Shown) -> None:
    """Writes a line."""
    print(f"{shown.presentity}: {'open' if shown.is_open else 'closed'} {' '.join(shown.notes)}".rstrip(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
