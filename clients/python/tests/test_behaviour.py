"""How the client behaves as a piece of Python: cancelled, closed, left open, used wrongly."""

from __future__ import annotations

import asyncio
import gc

import adsum
import pytest
from adsum import errors
from conftest import Server
from test_client import soon, texts

pytestmark = pytest.mark.asyncio


async def test_waiting_for_an_item_may_be_cancelled_and_loses_none(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        async with bob.inbox() as letters:
            got = []
            sending = asyncio.gather(*(alice.send(bob.own_inbox, f"m{number}") for number in range(60)))
            while len(got) < 60:
                # Shorter and shorter, so that some are cancelled in the moment when the item comes.
                try:
                    got.append((await asyncio.wait_for(letters.__anext__(), 0.05 / (1 + len(got)))).text)
                except asyncio.TimeoutError:
                    await asyncio.sleep(0.01)
            await sending
            assert got == sorted(got, key=lambda text: int(text[1:])) and len(set(got)) == 60


async def test_a_request_that_is_cancelled_leaves_the_others_alone(server: Server) -> None:
    async with await server.client("alice") as alice:
        await alice.welcome()
        tasks = [asyncio.create_task(alice.send(alice.own_inbox, f"m{number}")) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await soon(asyncio.gather(*tasks, return_exceptions=True))
        assert all(isinstance(one, adsum.Sent) for one in done[1::2])
        assert (await alice.send(alice.own_inbox, "last")).is_synced


async def test_who_waits_when_the_client_is_closed_is_told(server: Server) -> None:
    async with await server.client("alice") as alice:
        letters, shown = alice.inbox(), alice.watch(alice.presentity)
        await soon(shown.__anext__())
        waiting = [asyncio.ensure_future(one.__anext__()) for one in (letters, shown)]
        await asyncio.sleep(0.05)
    for one in waiting:
        with pytest.raises(adsum.Closed):
            await soon(one)
    with pytest.raises(adsum.Closed):
        await letters.__anext__()


async def test_a_stream_that_is_closed_or_forgotten_gives_its_place_back(server: Server) -> None:
    async with await server.client("alice") as alice:
        await alice.send(alice.own_inbox, "one")
        for number in range(adsum.protocol.FEEDS_MAX + 2):
            letters = alice.inbox(keep=True)
            assert await texts(letters, 1) == ["one"]
            if number % 2:
                await letters.aclose()
                with pytest.raises(adsum.Closed):
                    await letters.__anext__()
            del letters
            gc.collect()
            await asyncio.sleep(0.05)
        assert len(alice._feeds) <= 1


async def test_a_client_that_is_not_open_says_how_to_open_it(server: Server) -> None:
    alice = await server.client("alice")
    for asked in (alice.send(alice.own_inbox, "never"), alice.fetch(alice.presentity), alice.inbox().__anext__(), alice.welcome()):
        with pytest.raises(adsum.Invalid, match="async with"):
            await asked
    async with alice:
        await alice.welcome()
    with pytest.raises(adsum.Invalid, match="opened once"):
        await alice.__aenter__()


async def test_a_publication_in_a_block_is_removed_at_its_end(server: Server) -> None:
    async with await server.client("alice") as alice:
        async with await alice.publish(adsum.document("open", "in the block")):
            assert (await alice.fetch(alice.presentity)).is_open
        assert not (await alice.fetch(alice.presentity)).is_open
        assert not alice._publications


async def test_a_publication_that_cannot_be_kept_up_says_why(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        publication = await alice.publish(adsum.document("open"), lifetime=1)
        publication._body = adsum.protocol.Publish(presentity=bob.presentity, document=adsum.document())
        fault = await soon(publication.failed())
        assert fault.code == "forbidden" and publication.fault is fault


async def test_a_refused_subscription_is_told_and_the_watch_goes_on(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        await alice.block(f"bob@{server_domain()}")
        await bob.subscribe(bob.presentity)
        async with bob.watch(alice.presentity, bob.presentity) as shown:
            with pytest.raises(adsum.Refused):
                while True:
                    await soon(shown.__anext__())
            await bob.publish(adsum.document("open", "still told"))
            while not (told := await soon(shown.__anext__())).is_open:
                pass
            assert told.notes == ["still told"]


def server_domain() -> str:
    return "example.com"


async def test_every_fault_is_of_one_family_with_a_word_of_its_own() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, adsum.AdsumError)]
    assert {one.__name__ for one in kinds} <= set(adsum.__all__), "each can be named by an application"
    words = [one.code for one in kinds]
    assert len(set(words)) == len(words) - 2, "but for those that carry a word of their own: Refused and StateError"
    assert all(one.__doc__ for one in kinds)


async def test_what_is_public_is_described_and_secrets_stand_in_no_representation(server: Server) -> None:
    for name in adsum.__all__:
        found = getattr(adsum, name)
        assert found.__doc__, name
        if isinstance(found, type) and not issubclass(found, Exception):
            public = [one for one in vars(found).values() if callable(one) and not one.__name__.startswith("_")]
            assert all(one.__doc__ for one in public), name
    identity = await server.enroll("alice")
    assert identity.seed.hex() not in repr(identity) and str(identity.seed) not in repr(identity)
