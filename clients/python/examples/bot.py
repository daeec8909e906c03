"""A bot that is present and answers whoever writes to it.

    python examples/bot.py bot@localhost --server 127.0.0.1:2778 [--invite TOKEN]

Kill it and start it again: nothing is answered twice, and what came meanwhile is answered then.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import adsum


async def main() -> None:
    """Enrols once, then answers."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("principal")
    arguments.add_argument("--server", default="127.0.0.1:2778")
    arguments.add_argument("--invite")
    arguments.add_argument("--home", type=Path, default=Path("~/.local/state/adsum-bot"))
    asked = arguments.parse_args()
    home = adsum.Home(asked.home)
    if home.load() is None:
        await adsum.enroll(asked.principal, asked.server, home=home, invite=asked.invite, label="bot")
    async with adsum.Client(home=home, answer_timeout=None) as client:
        await client.publish(adsum.document("open", "write to me"))
        async for letter in client.inbox():
            if letter.message is None or letter.sender == client.identity.principal:
                continue
            # Whoever waits for the answer sees that it is on its way.
            await client.composing(f"im:{letter.sender}")
            # The id follows from the message, so that an answer sent again after a crash is the same answer.
            await client.send(f"im:{letter.sender}", f"you wrote: {letter.text}", id=f"re-{letter.sequence}")
            print(f"answered #{letter.sequence} of {letter.sender}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
