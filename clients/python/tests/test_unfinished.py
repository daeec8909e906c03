"""What was asked and not answered outlives the process that asked, and is done once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import adsum
import pytest
from adsum import protocol as p
from adsum.outbox import Outbox
from conftest import DOMAIN, PATIENCE_S, Server
from test_client import soon, texts

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.asyncio

#: Asks all that changes something at once, while nobody answers.
ASKS = f'''
import asyncio, sys
import adsum
from adsum import protocol as p

async def main(folder):
    async with adsum.Client(home=folder, answer_timeout=None) as bob:
        await bob.welcome()
        print("in", flush=True)
        sys.stdin.readline()
        await asyncio.gather(
            bob.send("im:alice@{DOMAIN}", "once"),
            bob.publish(adsum.document("open", "once")),
            bob.subscribe("pres:alice@{DOMAIN}"),
            bob.unsubscribe("pres:carol@{DOMAIN}"),
            bob.change_rules([adsum.rule("carol@{DOMAIN}", p.AccessRuleFetch.ALLOW)]),
            bob.delete(1),
            bob.displayed(2),
            bob.invite(),
            bob.request(p.RevokeKey(0, "bob@{DOMAIN}", bytes.fromhex(sys.argv[2]), adsum.operation()), "the revocation"),
        )

asyncio.run(main(sys.argv[1]))
'''
ASKED = ["Send", "Publish", "Subscribe", "Unsubscribe", "ChangeRules", "Delete", "Displayed", "Invite", "RevokeKey"]


def kept(server: Server, name: str) -> list[dict[str, Any]]:
    """What is kept for the next process."""
    path = server.folder / name / "requests.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["requests"] if path.exists() else []
    return found


async def killed_while_it_asks(server: Server, device: str, reaches: bool) -> None:
    """A process that is killed when all it asked is sent, or kept at least, and nothing is answered."""
    command = [sys.executable, "-c", ASKS, str(server.folder / "bob"), device]
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
    assert process.stdout is not None and process.stdin is not None and server.process is not None
    assert await soon(process.stdout.readline()) == b"in\n"
    # What is sent to a server that stands still lies in its socket until it goes on.
    server.process.send_signal(signal.SIGSTOP if reaches else signal.SIGKILL)
    process.stdin.write(b"\n")
    while len(kept(server, "bob")) < len(ASKED):
        await asyncio.sleep(0.02)
    # Most of the time it has left by then; what has not is done the second time.
    await asyncio.sleep(0.2)
    process.kill()
    await process.wait()


@pytest.mark.parametrize("reaches", [True, False], ids=["done", "not done"])
async def test_what_a_killed_process_asked_is_asked_again_by_the_next_and_done_once(server: Server, reaches: bool) -> None:
    await server.enroll("alice")
    async with await server.client("carol") as carol, await server.client("bob") as bob:
        for text in ("first", "second"):
            await carol.send(bob.own_inbox, text)
        await bob.subscribe(carol.presentity)
        second = await adsum.enroll(f"bob@{DOMAIN}", server.address, invite=await bob.invite())
    await killed_while_it_asks(server, second.device, reaches)
    assert server.process is not None
    if reaches:
        server.process.send_signal(signal.SIGCONT)
    else:
        server.process.wait()
        server.start("--open-enrollment")
    bob = await server.client("bob", answer_timeout=PATIENCE_S)
    async with bob, await server.client("alice") as alice:
        assert [type(one.body).__name__ for one in bob.unfinished] == ASKED
        answers = await soon(asyncio.gather(*(one.outcome() for one in bob.unfinished)))
        answered = ["Sent", "Published", "Subscribed", "Unsubscribed", "Changed", "Deleted", "Changed", "Invited", "KeyRevoked"]
        assert [type(one).__name__ for one in answers] == answered
        assert (reaches or not answers[0].duplicate) and answers[5].count == 1
        assert await texts(alice.inbox(), 1) == ["once"]
        assert (await alice.inbox_state()).head == 1
        changes = await bob.ask(p.ListHistory(bob.presentity))
        assert len(changes) == 1, "it was published once"
        version, rules = await bob.rules()
        assert (version, len(rules)) == (1, 1)
        while kept(server, "bob"):
            await asyncio.sleep(0.02)
    async with await server.client("bob") as bob:
        assert bob.unfinished == [], "what is answered is forgotten"


async def test_a_refusal_ends_what_was_not_finished_too(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    identity = await server.enroll("bob")
    body = p.Send(0, "im:nobody@elsewhere.example", "", "x1", "text/plain", b"lost")
    keep(server, adsum.Asked(body, "the message", "x1", lasts=True))
    async with await server.client("bob") as bob:
        with pytest.raises(adsum.Refused):
            await soon(bob.unfinished[0].outcome())
        assert "the message, asked by an earlier process" in caplog.text
        while kept(server, identity.principal.partition("@")[0]):
            await asyncio.sleep(0.02)


def keep(server: Server, *asked: adsum.Asked) -> None:
    """Has these kept by an earlier process of bob."""
    adsum.Home(server.folder / "bob").store_requests([one.to_keep() for one in asked])


async def test_what_the_server_does_not_recognise_any_more_is_not_asked_again(server: Server) -> None:
    await server.enroll("bob")
    await server.enroll("alice")
    day, month = p.OPERATION_MS / 1_000, p.DEDUPLICATION_MS / 1_000
    now = adsum.asked.time.time()
    send = p.Send(0, f"im:alice@{DOMAIN}", "", "x1", "text/plain", b"late")
    publish = p.Publish(0, adsum.operation(), f"pres:bob@{DOMAIN}", "", None, None, adsum.document())
    keep(
        server,
        adsum.Asked(send, "a message of the last month", "x1", lasts=True, at=now - month + 60),
        adsum.Asked(send, "a message before that", "x1", lasts=True, at=now - month - 60),
        adsum.Asked(publish, "a publication of today", "", lasts=True, at=now - day + 60),
        adsum.Asked(publish, "a publication of yesterday", "", lasts=True, at=now - day - 60),
    )
    async with await server.client("bob") as bob:
        outcomes = await soon(asyncio.gather(*(one.outcome() for one in bob.unfinished), return_exceptions=True))
        assert [type(one).__name__ for one in outcomes] == ["Sent", "OutcomeUnknown", "Published", "OutcomeUnknown"]


async def test_what_is_too_old_to_be_asked_again_leaves_the_folder_also_while_nobody_answers(server: Server) -> None:
    await server.enroll("bob")
    server.kill()
    send = p.Send(0, f"im:alice@{DOMAIN}", "", "x1", "text/plain", b"late")
    asked_at = adsum.asked.time.time() - p.DEDUPLICATION_MS / 1_000 - 60
    keep(server, adsum.Asked(send, "an old message", "x1", lasts=True, at=asked_at))
    async with adsum.Client(home=server.folder / "bob") as bob:
        with pytest.raises(adsum.OutcomeUnknown, match="it may be done twice") as unknown:
            await soon(bob.unfinished[0].outcome())
        assert unknown.value.id == "", "its id makes no repeat safe any more"
        while kept(server, "bob"):
            await asyncio.sleep(0.02)
    async with adsum.Client(home=server.folder / "bob") as bob:
        assert bob.unfinished == []


async def test_what_grew_too_old_while_there_was_no_connection_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000.0]
    monkeypatch.setattr(adsum.asked.time, "time", lambda: clock[0])
    outbox = Outbox(None, lambda fault: pytest.fail(str(fault)))
    bodies = [p.Publish(0, adsum.operation()), p.Send(0, "im:alice@example.com", id="x1"), p.Publish(0, adsum.operation())]
    publish, send, never_sent = asked = [adsum.Asked(body, "it", "x", lasts=False) for body in bodies]
    for one in asked[:2]:
        outbox.put(one)
    assert len(outbox.to_write()) == 2
    outbox.put(never_sent)
    clock[0] += p.OPERATION_MS / 1_000 + 60
    outbox.connected(is_anonymous=False)
    assert isinstance(publish.answer.exception(), adsum.OutcomeUnknown)
    assert [type(one) for one in outbox.to_write()] == [p.Send, p.Publish], "one is known for longer, one was never sent"
    assert not send.answer.done() and not never_sent.answer.done()


async def test_whoever_is_told_that_it_is_not_known_or_not_sent_decides_alone(server: Server) -> None:
    alice = await server.client("alice", answer_timeout=0.5)
    async with alice:
        await alice.welcome()
        server.kill()
        with pytest.raises(adsum.OutcomeUnknown):
            await alice.send(alice.own_inbox, "maybe", id="once-1")
        while kept(server, "alice"):
            await asyncio.sleep(0.02)
    async with adsum.Client(home=server.folder / "alice", answer_timeout=0.3, connect_timeout=0.2) as alice:
        waiting = asyncio.create_task(alice.send(alice.own_inbox, "never"))
        while not kept(server, "alice"):
            await asyncio.sleep(0.02)
        with pytest.raises(adsum.Unreachable):
            await waiting
        while kept(server, "alice"):
            await asyncio.sleep(0.02)
        waiting = asyncio.create_task(alice.send(alice.own_inbox, "no more"))
        while not kept(server, "alice"):
            await asyncio.sleep(0.02)
        waiting.cancel()
        while kept(server, "alice"):
            await asyncio.sleep(0.02)


async def test_a_client_that_is_closed_before_the_answer_came_does_not_know_either(server: Server) -> None:
    async with await server.client("alice", answer_timeout=None) as alice:
        await alice.welcome()
        assert server.process is not None
        server.process.send_signal(signal.SIGSTOP)
        sending = asyncio.create_task(alice.send(alice.own_inbox, "maybe", id="once-1"))
        while not kept(server, "alice") or alice._keeper.outbox.requests.written == 0:
            await asyncio.sleep(0.02)
    with pytest.raises(adsum.OutcomeUnknown) as unknown:
        await sending
    assert unknown.value.id == "once-1"
    server.process.send_signal(signal.SIGCONT)
    async with await server.client("alice") as alice:
        assert (await soon(alice.unfinished[0].outcome())).request == 1
        assert (await alice.inbox_state()).head == 1


async def test_a_folder_that_cannot_be_used_is_told(server: Server) -> None:
    async with await server.client("alice"):
        with pytest.raises(adsum.StateError, match="another client") as told:
            async with adsum.Client(home=server.folder / "alice"):
                pass
        assert told.value.code == "locked"
    for name, content in [("requests.json", '{"requests": [{"frame": "00"}]}'), ("requests.json", "{"), ("positions.json", "[")]:
        path = server.folder / "alice" / name
        path.write_text(content)
        with pytest.raises(adsum.StateError, match="is damaged") as told:
            async with adsum.Client(home=server.folder / "alice") as alice:
                await soon(alice.inbox().__anext__())
        assert told.value.code == "state-damaged" and str(path) in str(told.value)
        path.unlink()
    with pytest.raises(adsum.StateError, match="folder of its own") as told:
        await adsum.enroll(f"bob@{DOMAIN}", server.address, home=server.folder / "alice")
    assert told.value.code == "already-enrolled"
