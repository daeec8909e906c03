"""The loop of `docs/PROTOCOL.md`, chapter 16, on bare frames: connecting, resuming and repeating are the same thing.

    python examples/minimal.py FOLDER TO [TEXT]...

The folder holds an identity (`adsum.enroll(…, home=FOLDER)`). It publishes "open", watches `pres:TO`, sends each text to
`im:TO` once, and writes a line for whatever it is shown. Kill it and start it again.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

from adsum import AdsumError, Home, Identity, codec, operation
from adsum import protocol as p
from adsum.connection import Link, Stream, connect


class State:
    """What must outlive the process: replaced whole, before anything is sent or acknowledged by it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        found = json.loads(path.read_text()) if path.exists() else {}
        self.cursors: dict[str, str] = found.get("cursors", {})
        self.unanswered: list[str] = found.get("unanswered", [])
        self.sequence: int = found.get("sequence", 0)

    def store(self) -> None:
        """Keeps it."""
        kept = {"cursors": self.cursors, "unanswered": self.unanswered, "sequence": self.sequence}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(kept))
        fresh.replace(self.path)


def body_of(frame: str) -> Any:
    """The body of a frame that was stored."""
    cutter = codec.Cutter()
    cutter.push(bytes.fromhex(frame))
    return cutter.next_body()


async def control(link: Link, state: State) -> None:
    """Writes what was not answered, as it was, numbered from 1; then an answer is for the oldest of it."""
    for number, frame in enumerate(state.unanswered, start=1):
        body = body_of(frame)
        link.control.write(type(body)(**{**vars(body), "request": number}))
    due = 0
    while True:
        answer: Any = await link.control.next()
        if isinstance(answer, p.Goaway):
            continue
        due += 1
        if answer.request != due or not state.unanswered:
            raise codec.Malformed("an answer came out of order")
        del state.unanswered[0]
        state.store()
        print(type(answer).__name__, getattr(answer, "message", ""), flush=True)


async def feed(link: Link, state: State, name: str, opening: p.FeedOpen) -> None:
    """Hands each event over, stores its cursor, acknowledges it."""
    stream: Stream = link.open()
    cursor = bytes.fromhex(state.cursors.get(name, ""))
    stream.write(p.FeedOpen(**{**vars(opening), "cursor": cursor}), first=bytes([p.STREAM_FEED]))
    await stream.expect(p.FeedReady)
    while True:
        event: Any = await stream.next()
        if isinstance(event, p.FeedEnd):
            return
        if isinstance(event, (p.PresenceEvent, p.MessageEvent)):
            show(event, state)
        elif not isinstance(event, p.CaughtUp):
            continue
        state.cursors[name] = event.cursor.hex()
        state.store()
        if not isinstance(event, p.CaughtUp):
            stream.write(p.FeedAck(event.cursor))


def show(event: p.PresenceEvent | p.MessageEvent, state: State) -> None:
    """Writes a line, but not for a message that was taken before."""
    if isinstance(event, p.PresenceEvent):
        tuples = event.presence.document.tuples
        print("presence", event.presence.presentity, [one.basic for one in tuples], flush=True)
    elif event.message.sequence > state.sequence:
        state.sequence = event.message.sequence
        print("message", (event.message.body or b"").decode(errors="replace"), flush=True)


async def once(identity: Identity, state: State) -> None:
    """One connection, to its end."""
    link, _ = await connect(identity, "minimal/1.0", 5.0)
    own = f"im:{identity.principal}"
    work = [
        control(link, state),
        feed(link, state, "presence", p.FeedOpen(p.FeedOpenKind.PRESENCE)),
        feed(link, state, "inbox", p.FeedOpen(p.FeedOpenKind.INBOX, inbox=own)),
    ]
    tasks = [asyncio.create_task(one) for one in work]
    try:
        while not any(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            link.quic.ping()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await link.close()


async def main(folder: str, to: str, *texts: str) -> None:
    """The loop."""
    identity = Home(folder).load()
    if identity is None:
        raise SystemExit(f"nobody is enrolled in {folder}")
    state = State(Path(folder) / "minimal.json")
    opened = p.Document((p.Tuple("minimal", p.TupleBasic.OPEN),))
    own = f"pres:{identity.principal}"
    first: list[Any] = [p.Publish(0, operation(), own, "", None, None, opened), p.Subscribe(0, f"pres:{to}", 0, None, operation())]
    text = "text/plain; charset=utf-8"
    sends = [p.Send(0, f"im:{to}", "", operation().hex(), text, one.encode()) for one in texts]
    state.unanswered += [codec.encode(one).hex() for one in [*first, *sends]]
    state.store()
    failures = 0
    while True:
        try:
            await once(identity, state)
        except (AdsumError, codec.Malformed) as fault:
            print("lost:", fault, file=sys.stderr)
        failures += 1
        await asyncio.sleep(random.random() * min(60, 0.5 * 2 ** min(failures, 7)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
