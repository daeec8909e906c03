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
from dataclasses import replace
from pathlib import Path
from typing import Any

from adsum import AdsumError, Home, Identity, NotAuthenticated, Refused, ServerKeyChanged, StreamEnded, VersionMismatch
from adsum import codec, operation
from adsum import protocol as p
from adsum.connection import Link, Stream, connect

OPENED = p.Document((p.Tuple("minimal", p.TupleBasic.OPEN),))
#: Before a feed that ended is opened again.
REOPEN_S = 1.0


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


class Requests:
    """What is asked on CONTROL: stored, then written, then forgotten when it is answered."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.link: Link | None = None
        self.number = 0
        self.due = 0
        #: The newest request about each thing that is good for a time: that one alone is renewed.
        self.newest: dict[tuple[str, ...], bytes] = {}

    def begin(self, link: Link) -> None:
        """There is a connection: what was not answered goes again, as it was, numbered from 1."""
        self.link, self.number, self.due = link, 0, 0
        for frame in self.state.unanswered:
            self._write(body_of(frame))

    def ask(self, *bodies: Any) -> None:
        """New requests, which have their ids."""
        self.state.unanswered += [codec.encode(body).hex() for body in bodies]
        self.state.store()
        for body in bodies:
            if (about := thing(body)) is not None:
                self.newest[about] = body.operation
            self._write(body)

    def _write(self, body: Any) -> None:
        if self.link is not None:
            self.number += 1
            self.link.control.write(replace(body, request=self.number))

    async def answers(self, link: Link) -> None:
        """Takes answers until the connection ends."""
        while True:
            answer: Any = await link.control.next()
            if answer.KIND >= p.IGNORABLE_KIND_MIN:
                continue
            self.due += 1
            if answer.request != self.due or not self.state.unanswered:
                raise codec.Malformed("an answer came out of order")
            asked = body_of(self.state.unanswered.pop(0))
            self.state.store()
            print(type(answer).__name__, getattr(answer, "message", ""), flush=True)
            self.renew(asked, answer)

    def renew(self, asked: Any, answer: Any) -> None:
        """What is good for a time is asked again when half of that is over, unless it was asked for anew meanwhile."""
        again: Any = None
        after_ms = getattr(answer, "granted_ms", 0)
        if isinstance(answer, p.Published):
            again = replace(asked, operation=operation(), if_match=answer.tag, document=None)
        elif isinstance(answer, p.Subscribed):
            again = replace(asked, operation=operation())
        elif isinstance(asked, p.Publish) and answer.code == p.RefusalCode.STALE_TAG:
            again = replace(asked, operation=operation(), if_match=None, document=OPENED)
        if again is not None:
            asyncio.get_running_loop().call_later(after_ms / 2_000, self.ask_instead, asked, again)

    def ask_instead(self, asked: Any, again: Any) -> None:
        """Asks again, if nothing newer was asked about the same thing: one chain of renewals each, whatever was repeated."""
        if self.newest.get(thing(asked) or ()) == asked.operation:
            self.ask(again)


def thing(body: Any) -> tuple[str, ...] | None:
    """What a request is about, if that is good for a time only."""
    if isinstance(body, p.Publish):
        return ("publication", body.presentity, body.name)
    return ("subscription", body.presentity) if isinstance(body, p.Subscribe) else None


def body_of(frame: str) -> Any:
    """The body of a frame that was stored."""
    cutter = codec.Cutter()
    cutter.push(bytes.fromhex(frame))
    return cutter.next_body()


async def feed(link: Link, state: State, name: str, opening: p.FeedOpen) -> None:
    """Keeps a feed open: one that ends and is not the connection's is opened again with its cursor."""
    while True:
        stream = link.open()
        try:
            await once_open(stream, state, name, opening)
        except StreamEnded:
            pass
        finally:
            stream.cancel()
        await asyncio.sleep(REOPEN_S)


async def once_open(stream: Stream, state: State, name: str, opening: p.FeedOpen) -> None:
    """Hands each event over, stores its cursor, acknowledges it."""
    cursor = bytes.fromhex(state.cursors.get(name, ""))
    stream.write(replace(opening, cursor=cursor), first=bytes([p.STREAM_FEED]))
    ready: p.FeedReady = await stream.expect(p.FeedReady)
    anew = ready.outcome == p.FeedReadyOutcome.ANEW
    if anew and name == "inbox":
        # Another past: what bears an old number may be another message.
        state.sequence = 0
    while True:
        event: Any = await stream.next()
        if isinstance(event, p.FeedEnd):
            return
        if isinstance(event, (p.PresenceEvent, p.MessageEvent)):
            show(event, state, "anew " if anew else "")
        elif isinstance(event, p.CaughtUp):
            anew = False
            if name == "inbox":
                continue
        else:
            continue
        state.cursors[name] = event.cursor.hex()
        state.store()
        if not isinstance(event, p.CaughtUp):
            stream.write(p.FeedAck(event.cursor))


def show(event: p.PresenceEvent | p.MessageEvent, state: State, how: str = "") -> None:
    """Writes a line, but not for a message that was taken before."""
    if isinstance(event, p.PresenceEvent):
        tuples = event.presence.document.tuples
        print(f"{how}presence", event.presence.presentity, [one.basic for one in tuples], flush=True)
    elif event.message.sequence > state.sequence:
        state.sequence = event.message.sequence
        print("message", (event.message.body or b"").decode(errors="replace"), flush=True)


async def once(link: Link, identity: Identity, state: State, requests: Requests) -> None:
    """One connection, to its end."""
    requests.begin(link)
    work = [
        requests.answers(link),
        feed(link, state, "presence", p.FeedOpen(p.FeedOpenKind.PRESENCE)),
        feed(link, state, "inbox", p.FeedOpen(p.FeedOpenKind.INBOX, inbox=f"im:{identity.principal}")),
    ]
    tasks = [asyncio.create_task(one) for one in work]
    try:
        while not any(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            if asyncio.get_running_loop().time() - link.quic.spoke >= p.KEEP_ALIVE_MS / 1_000:
                link.quic.ping()
        for task in tasks:
            if task.done():
                task.result()
    finally:
        requests.link = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await link.close()


def is_final(fault: Exception) -> bool:
    """Whether connecting again cannot help."""
    if isinstance(fault, Refused):
        return fault.refusal not in (p.RefusalCode.BUSY, p.RefusalCode.GOING_AWAY)
    return isinstance(fault, (ServerKeyChanged, VersionMismatch, NotAuthenticated))


def wait(failures: int) -> float:
    """How long to wait before the next attempt."""
    return random.random() * min(60.0, 0.5 * float(2 ** min(failures, 7)))


async def main(folder: str, to: str, *texts: str) -> None:
    """The loop."""
    identity = Home(folder).load()
    if identity is None:
        raise SystemExit(f"nobody is enrolled in {folder}")
    state = State(Path(folder) / "minimal.json")
    requests = Requests(state)
    text = "text/plain; charset=utf-8"
    sends = [p.Send(0, f"im:{to}", "", operation().hex(), text, one.encode()) for one in texts]
    publish = p.Publish(0, operation(), f"pres:{identity.principal}", "", None, None, OPENED)
    requests.ask(publish, p.Subscribe(0, f"pres:{to}", 0, None, operation()), *sends)
    failures = 0
    while True:
        try:
            link, _ = await connect(identity, "minimal/1.0", 5.0)
        except AdsumError as fault:
            if is_final(fault):
                raise SystemExit(str(fault)) from fault
            print("lost:", fault, file=sys.stderr)
        else:
            began = asyncio.get_running_loop().time()
            try:
                await once(link, identity, state, requests)
            except (AdsumError, codec.Malformed) as fault:
                print("lost:", fault, file=sys.stderr)
            if asyncio.get_running_loop().time() - began >= 60:
                failures = 0
        failures += 1
        await asyncio.sleep(wait(failures))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
