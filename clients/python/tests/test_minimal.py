"""`examples/minimal.py` does what each statement of the chapter "a minimal client" says, one test for each."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import adsum
import pytest
from adsum import codec
from adsum import protocol as p
from conftest import DOMAIN, Server
from test_client import soon, texts
from test_examples import HERE, example

DOCUMENT = (HERE.parent.parent / "docs" / "PROTOCOL.md").read_text()
CHAPTER = DOCUMENT[DOCUMENT.index("## 16. A minimal client") : DOCUMENT.index("## Appendix A.")]
SPEC = importlib.util.spec_from_file_location("minimal", HERE / "examples" / "minimal.py")
assert SPEC is not None and SPEC.loader is not None
minimal: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(minimal)

#: What each line of the loop begins with, and the test of it.
STATEMENTS = {
    "load the key, the server's pinned key hash, the cursor of each feed": "test_it_goes_on_after_both_were_killed",
    "for ever:": "test_it_goes_on_after_both_were_killed",
    "connect, compare the key hash, send Hello": "test_another_key_stops_it_loudly",
    "read Welcome": "test_a_refusal_stops_it_but_for_busy_and_going_away",
    "write the requests that were not answered, as they were, numbered": "test_what_was_not_answered_goes_again_as_it_was",
    "open both feeds with their cursors": "test_both_feeds_are_opened_with_their_cursors",
    "until the connection is lost:": "test_it_goes_on_after_both_were_killed",
    "a new request:": "test_a_new_request_is_stored_before_it_is_written",
    "an answer:": "test_an_answer_is_for_the_oldest_unanswered_request",
    "FeedReady, outcome 2:": "test_after_outcome_2_presence_replaces_and_no_message_is_passed_over",
    "an event:": "test_an_event_is_handed_over_then_stored_then_acknowledged",
    "CaughtUp, presence:": "test_the_cursor_of_caught_up_is_stored_for_presence_only",
    "half a lifetime over:": "test_what_is_good_for_a_time_is_renewed_at_half_of_it",
    "a reset or end of a feed": "test_a_feed_that_ends_is_opened_again_on_the_same_connection",
    "nothing sent for 20 s:": "test_a_silent_connection_shows_that_it_lives",
    "wait: at random": "test_the_waits_double_up_to_a_minute",
}
FEEDS = {"presence": p.FeedOpen(p.FeedOpenKind.PRESENCE), "inbox": p.FeedOpen(p.FeedOpenKind.INBOX, inbox="im:a@b.c")}


class Stream:
    """A stream in the hands of the test."""

    def __init__(self, *bodies: Any) -> None:
        self.bodies = list(bodies)
        self.written: list[Any] = []
        self.kept: list[str] = []
        self.path: Path | None = None

    def write(self, *bodies: Any, first: bytes = b"") -> None:
        self.written += bodies
        if self.path is not None:
            self.kept.append(self.path.read_text())

    async def next(self) -> Any:
        if not self.bodies:
            raise adsum.StreamEnded(None)
        return self.bodies.pop(0)

    async def expect(self, *kinds: type) -> Any:
        return await self.next()

    def cancel(self) -> None:
        """Nothing is to be given up."""


@pytest.fixture
def state(tmp_path: Path) -> Any:
    """The state of a client that was never started."""
    return minimal.State(tmp_path / "minimal.json")


def presence(cursor: bytes) -> p.PresenceEvent:
    return p.PresenceEvent(1, cursor, p.PresenceBody(f"pres:alice@{DOMAIN}"))


def message(sequence: int, cursor: bytes) -> p.MessageEvent:
    return p.MessageEvent(1, cursor, p.MessageBody(sequence=sequence, body=b"m%d" % sequence))


async def fed(state: Any, name: str, *bodies: Any, outcome: int = p.FeedReadyOutcome.RESUMED) -> Stream:
    """A feed to its end."""
    stream = Stream(p.FeedReady(outcome, b"from", b"to"), *bodies, p.FeedEnd())
    stream.path = state.path
    state.store()
    await minimal.once_open(stream, state, name, FEEDS[name])
    return stream


def test_each_line_of_the_loop_has_its_test() -> None:
    loop = CHAPTER.split("```text\n")[1].split("```")[0]
    lines = [one.strip() for one in loop.splitlines()]
    # A line that goes on from the one above is no statement of its own.
    lines = [one for one in lines if not one.startswith("messages ") and not one.startswith("taken ")]
    assert len(lines) == len(STATEMENTS)
    for one, (begin, test) in zip(lines, STATEMENTS.items()):
        assert one.startswith(begin), one
        assert callable(globals()[test])


def test_it_speaks_the_kinds_that_the_chapter_names() -> None:
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", CHAPTER.split("```")[0]))
    source = (HERE / "examples" / "minimal.py").read_text()
    used = set(re.findall(r"p\.([A-Z][A-Za-z]+)\b", source)) & {one.__name__ for one in p.KINDS.values()}
    assert used <= named, "administration and the rest are for others"
    assert named - used <= {"Hello", "Welcome", "Refused", "Sent", "Challenge", "ChallengeAnswer", "FeedAcked", "PING"}


@pytest.mark.asyncio
async def test_it_goes_on_after_both_were_killed(server: Server) -> None:
    # The long way round, in `test_examples.py`, is this with both killed in between.
    await server.enroll("bob")
    async with await server.client("alice") as alice:
        process = await example("minimal.py", str(server.folder / "bob"), f"alice@{DOMAIN}", "hello")
        assert await texts(alice.inbox(), 1) == ["hello"]
        while json.loads((server.folder / "bob" / "minimal.json").read_text())["unanswered"]:
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def stopped(folder: Path) -> str:
    """What it says when it stops by itself."""
    command = [sys.executable, str(HERE / "examples" / "minimal.py"), str(folder), f"alice@{DOMAIN}"]
    environment = {"PYTHONPATH": str(HERE / "src")}
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, env=environment)
    _, said = await soon(process.communicate())
    assert process.returncode == 1
    return said.decode()


@pytest.mark.asyncio
async def test_another_key_stops_it_loudly(server: Server) -> None:
    identity = await server.enroll("bob")
    adsum.Home(server.folder / "bob").store(adsum.Identity(identity.principal, identity.server, identity.seed, bytes(32)))
    assert "HAS CHANGED" in await stopped(server.folder / "bob")


@pytest.mark.asyncio
async def test_a_refusal_stops_it_but_for_busy_and_going_away(server: Server) -> None:
    await server.enroll("alice")
    stranger = adsum.Identity.generate(f"alice@{DOMAIN}", server.address)
    adsum.Home(server.folder / "stranger").store(stranger)
    assert "is not enrolled" in await stopped(server.folder / "stranger")
    for code in p.RefusalCode:
        passes = code in (p.RefusalCode.BUSY, p.RefusalCode.GOING_AWAY)
        assert minimal.is_final(adsum.Refused(code, "no")) != passes
    assert not minimal.is_final(adsum.ConnectionLost("gone")) and not minimal.is_final(adsum.Unreachable("nobody"))


def test_what_was_not_answered_goes_again_as_it_was(state: Any) -> None:
    asked = [p.Send(0, "im:a@b.c", "", f"x{number}", "text/plain", b"x") for number in range(3)]
    minimal.Requests(state).ask(*asked)
    again = minimal.Requests(minimal.State(state.path))
    for _ in range(2):
        control = Stream()
        again.begin(SimpleNamespace(control=control))
        assert [(one.request, one.id) for one in control.written] == [(1, "x0"), (2, "x1"), (3, "x2")]


@pytest.mark.asyncio
async def test_both_feeds_are_opened_with_their_cursors(state: Any) -> None:
    state.cursors = {"presence": b"one".hex(), "inbox": b"two".hex()}
    for name, cursor in [("presence", b"one"), ("inbox", b"two")]:
        opened = (await fed(state, name)).written[0]
        assert (opened.cursor, opened.kind, opened.inbox) == (cursor, FEEDS[name].kind, FEEDS[name].inbox)


def test_a_new_request_is_stored_before_it_is_written(state: Any) -> None:
    requests, control = minimal.Requests(state), Stream()
    control.path = state.path
    state.store()
    requests.begin(SimpleNamespace(control=control))
    send = p.Send(0, "im:a@b.c", "", "x1", "text/plain", b"x")
    requests.ask(send)
    assert control.written == [p.Send(1, "im:a@b.c", "", "x1", "text/plain", b"x")]
    assert codec.encode(send).hex() in control.kept[0]


@pytest.mark.asyncio
async def test_an_answer_is_for_the_oldest_unanswered_request(state: Any) -> None:
    requests = minimal.Requests(state)
    requests.ask(*(p.Send(0, "im:a@b.c", "", f"x{number}", "text/plain", b"x") for number in range(3)))
    link = SimpleNamespace(control=Stream(p.Sent(1), p.Goaway(), p.Sent(2)))
    requests.begin(link)
    with pytest.raises(adsum.StreamEnded):
        await requests.answers(link)
    left = [minimal.body_of(one).id for one in minimal.State(state.path).unanswered]
    assert left == ["x2"]
    link = SimpleNamespace(control=Stream(p.Sent(2)))
    requests.begin(link)
    with pytest.raises(codec.Malformed, match="out of order"):
        await requests.answers(link)


@pytest.mark.asyncio
async def test_after_outcome_2_presence_replaces_and_no_message_is_passed_over(state: Any, capsys: Any) -> None:
    anew = p.FeedReadyOutcome.ANEW
    await fed(state, "presence", presence(b"1"), p.CaughtUp(b"1"), presence(b"2"), outcome=anew)
    assert [one.split()[0] for one in capsys.readouterr().out.splitlines()] == ["anew", "presence"]
    state.sequence = 7
    await fed(state, "inbox", message(7, b"7"), message(8, b"8"))
    assert capsys.readouterr().out == "message m8\n", "within one past what was taken is not shown again"
    await fed(state, "inbox", message(7, b"7"), outcome=anew)
    assert capsys.readouterr().out == "message m7\n", "in another one an old number may be another message"


@pytest.mark.asyncio
async def test_an_event_is_handed_over_then_stored_then_acknowledged(state: Any, capsys: Any) -> None:
    for name, event in [("presence", presence(b"abc")), ("inbox", message(1, b"abc"))]:
        stream = await fed(state, name, event, p.FeedAcked(b"abc"))
        assert stream.written[1:] == [p.FeedAck(b"abc")]
        assert json.loads(stream.kept[1])["cursors"][name] == b"abc".hex(), "stored before it was acknowledged"
        assert capsys.readouterr().out


@pytest.mark.asyncio
async def test_the_cursor_of_caught_up_is_stored_for_presence_only(state: Any) -> None:
    for name, cursors in [("presence", {"presence": b"end".hex()}), ("inbox", {})]:
        state.cursors = {}
        stream = await fed(state, name, p.CaughtUp(b"end"))
        assert state.cursors == cursors and len(stream.written) == 1


@pytest.mark.asyncio
async def test_what_is_good_for_a_time_is_renewed_at_half_of_it(state: Any) -> None:
    requests, control = minimal.Requests(state), Stream()
    requests.begin(SimpleNamespace(control=control))
    published = p.Publish(0, bytes(16), "pres:a@b.c", "", None, None, minimal.OPENED)
    subscribed = p.Subscribe(0, "pres:a@b.c", 0, None, bytes(16))
    requests.ask(published, subscribed)
    requests.renew(published, p.Published(1, b"t" * 16, 20))
    requests.renew(subscribed, p.Subscribed(2, 1, 20))
    assert len(control.written) == 2
    while len(control.written) < 4:
        await asyncio.sleep(0.005)
    refreshed, again = sorted(control.written[2:], key=lambda one: type(one).__name__)
    assert (refreshed.if_match, refreshed.document) == (b"t" * 16, None)
    assert isinstance(again, p.Subscribe) and bytes(16) not in (again.operation, refreshed.operation)
    requests.renew(refreshed, p.Refused(3, p.RefusalCode.STALE_TAG))
    while len(control.written) < 5:
        await asyncio.sleep(0.005)
    anew = control.written[4]
    assert (anew.if_match, anew.document) == (None, minimal.OPENED), "what ran out is made again"


@pytest.mark.asyncio
async def test_each_thing_has_one_chain_of_renewals_however_often_it_was_asked_for(state: Any, monkeypatch: Any) -> None:
    later: list[Any] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda _, then, *with_: later.append((then, with_)))
    requests = minimal.Requests(state)
    published = p.Publish(0, bytes(16), "pres:a@b.c", "", None, None, minimal.OPENED)
    other = p.Publish(0, bytes(16), "pres:a@b.c", "other", None, None, minimal.OPENED)
    # What the last process asked is answered after what this one asks anew, and something is answered twice.
    newer = p.Publish(0, b"n" * 16, "pres:a@b.c", "", None, None, minimal.OPENED)
    requests.ask(published, newer, other)
    for asked, tag in [(published, b"1" * 16), (newer, b"2" * 16), (newer, b"2" * 16), (other, b"3" * 16)]:
        requests.renew(asked, p.Published(0, tag, 20))
    requests.renew(published, p.Refused(0, p.RefusalCode.STALE_TAG))
    for then, with_ in later:
        then(*with_)
    renewals = [minimal.body_of(one) for one in state.unanswered][3:]
    assert [(one.name, one.if_match) for one in renewals] == [("", b"2" * 16), ("other", b"3" * 16)]


@pytest.mark.asyncio
async def test_a_feed_that_ends_is_opened_again_on_the_same_connection(state: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(minimal, "REOPEN_S", 0.0)
    ready = p.FeedReady(p.FeedReadyOutcome.RESUMED)
    streams = [Stream(ready, presence(b"1"), p.FeedEnd()), Stream(ready, presence(b"2")), Stream(ready)]
    opened: list[Stream] = []

    def next_stream() -> Stream:
        if not streams:
            raise adsum.ConnectionLost("gone")
        opened.append(streams.pop(0))
        return opened[-1]

    with pytest.raises(adsum.ConnectionLost):
        await minimal.feed(SimpleNamespace(open=next_stream), state, "presence", FEEDS["presence"])
    assert [one.written[0].cursor for one in opened] == [b"", b"1", b"2"]


@pytest.mark.asyncio
async def test_a_silent_connection_shows_that_it_lives(server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr(minimal.p, "KEEP_ALIVE_MS", 100)
    identity = await server.enroll("bob")
    link, _ = await adsum.connection.connect(identity, "minimal", 5.0)
    pinged = asyncio.Event()
    monkeypatch.setattr(link.quic, "ping", pinged.set)
    state = minimal.State(server.folder / "bob" / "minimal.json")
    task = asyncio.create_task(minimal.once(link, identity, state, minimal.Requests(state)))
    await soon(pinged.wait())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_waits_double_up_to_a_minute(monkeypatch: Any) -> None:
    monkeypatch.setattr(minimal.random, "random", lambda: 1.0)
    assert [minimal.wait(failures) for failures in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    monkeypatch.setattr(minimal.random, "random", lambda: 0.0)
    assert minimal.wait(5) == 0


