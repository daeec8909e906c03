"""The examples do what they say, as programs of their own that are killed in the middle."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import adsum
import pytest
from conftest import DOMAIN, PATIENCE_S, Server
from test_anonymous import lets_nobody_write
from test_client import soon, texts

HERE = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.asyncio


async def example(name: str, *arguments: str) -> asyncio.subprocess.Process:
    """An example, started."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "examples" / name),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(HERE / "src")},
    )


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    found = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
    assert found, "it ended"
    return found


async def test_the_bot_answers_each_message_once(server: Server) -> None:
    arguments = [f"bot@{DOMAIN}", "--server", server.address, "--home", str(server.folder / "bot")]
    await server.enroll("bot")
    async with await server.client("alice") as alice:
        bot = await example("bot.py", *arguments)
        letters = alice.inbox()
        await alice.send(f"im:bot@{DOMAIN}", "one")
        told = await soon(letters.next_event())
        if isinstance(told, adsum.Composing):
            # It is told of when the inbox was read already.
            assert (told.sender, told.is_active) == (f"bot@{DOMAIN}", True)
            told = await soon(letters.next_event())
        assert isinstance(told, adsum.Letter) and told.text == "you wrote: one"
        bot.kill()
        await bot.wait()
        await alice.send(f"im:bot@{DOMAIN}", "two")
        bot = await example("bot.py", *arguments)
        assert await texts(letters, 1) == ["you wrote: two"]
        assert (await alice.inbox_state()).head == 2
        bot.kill()
        await bot.wait()


async def test_the_logger_writes_each_change_once(server: Server) -> None:
    async with await server.client("alice") as alice:
        publication = await alice.publish(adsum.document("open", "one"))
        arguments = [f"logger@{DOMAIN}", alice.presentity, "--server", server.address]
        arguments += ["--home", str(server.folder / "logger")]
        logger = await example("presence_logger.py", *arguments)
        assert json.loads(await line(logger))["notes"] == ["one"]
        await publication.change(adsum.document("open", "two"))
        assert json.loads(await line(logger))["notes"] == ["two"]
        await publication.change(adsum.document("closed", "three"))
        assert json.loads(await line(logger))["open"] is False
        logger.kill()
        await logger.wait()
        await soon(publication.change(adsum.document("open", "four")))
        logger = await example("presence_logger.py", *arguments)
        notes: list[str] = []
        while "four" not in notes:
            notes += json.loads(await line(logger))["notes"]
        assert "one" not in notes, "what was written is not written again"
        logger.kill()
        await logger.wait()


async def test_the_minimal_client_goes_on_after_both_were_killed(server: Server) -> None:
    await server.enroll("bot")
    arguments = [str(server.folder / "bot"), f"alice@{DOMAIN}"]
    async with await server.client("alice", keep_alive=0.3, answer_timeout=PATIENCE_S) as alice:
        await alice.publish(adsum.document("open"))
        letters = alice.inbox()
        minimal = await example("minimal.py", *arguments, "hello", "again")
        assert await texts(letters, 2) == ["hello", "again"]
        await alice.send(f"im:bot@{DOMAIN}", "one")
        while await line(minimal) != "message one\n":
            pass
        server.kill()
        server.start("--open-enrollment")
        await alice.send(f"im:bot@{DOMAIN}", "two")
        while await line(minimal) != "message two\n":
            pass
        # What is taken and not stored would come again, as it must.
        while json.loads((server.folder / "bot" / "minimal.json").read_text())["sequence"] < 2:
            await asyncio.sleep(0.02)
        minimal.kill()
        await minimal.wait()
        await alice.send(f"im:bot@{DOMAIN}", "three")
        minimal = await example("minimal.py", *arguments)
        said = [await line(minimal)]
        while said[-1] != "message three\n":
            said.append(await line(minimal))
        assert not any(old in said for old in ("message one\n", "message two\n"))
        assert (await alice.inbox_state()).head == 2, "nothing was sent twice"
        minimal.kill()
        await minimal.wait()


async def test_the_chat_says_what_comes_and_who_composes_and_finishes_what_it_left(server: Server) -> None:
    await server.enroll("bob")
    arguments = [f"bob@{DOMAIN}", f"alice@{DOMAIN}", "--server", server.address, "--home", str(server.folder / "bob")]
    async with await server.client("alice", keep_alive=0.3, answer_timeout=PATIENCE_S) as alice:
        async with alice.inbox() as letters:
            await soon(letters.caught_up())
            chat = await example("chat.py", *arguments)
            assert chat.stdin is not None
            chat.stdin.write(b"\nhello\n")
            told = await soon(letters.next_event())
            assert isinstance(told, adsum.Composing) and told.is_active
            assert await texts(letters, 1) == ["hello"]
            await alice.send(f"im:bob@{DOMAIN}", "good day")
            assert await line(chat) == f"alice@{DOMAIN}: good day\n"
            await alice.composing(f"im:bob@{DOMAIN}")
            assert await line(chat) == f"* alice@{DOMAIN} is composing\n"
            server.kill()
            chat.stdin.write(b"are you there?\n")
            kept = server.folder / "bob" / "requests.json"
            while not json.loads(kept.read_text())["requests"]:
                await asyncio.sleep(0.02)
            chat.kill()
            await chat.wait()
            server.start("--open-enrollment")
            chat = await example("chat.py", *arguments)
            assert await line(chat) == f"* once more: the message to im:alice@{DOMAIN}\n"
            assert await texts(letters, 1) == ["are you there?"]
            assert (await alice.inbox_state()).head == 2
            chat.kill()
            await chat.wait()


async def test_the_visitor_looks_and_leaves_a_message(server: Server) -> None:
    async with await server.client("alice") as alice:
        publication = await alice.publish(adsum.document("open", "come in"))
        arguments = [alice.presentity, f"pres:bob@{DOMAIN}", "--server", server.address, "--stay", "--tell", "I was here"]
        await alice.allow("anonymous")
        await lets_nobody_write(alice)
        visitor = await example("visitor.py", *arguments)
        assert await line(visitor) == f"{alice.presentity}: open come in\n"
        assert (await line(visitor)).startswith(f"pres:bob@{DOMAIN}: pres:bob@{DOMAIN} is not")
        assert "@anonymous.invalid" in await line(visitor)
        assert await texts(alice.inbox(), 1) == ["I was here"]
        await publication.change(adsum.document("closed", "gone"))
        while "closed gone" not in await line(visitor):
            pass
        visitor.kill()
        await visitor.wait()
