"""A path that died, noticed by its silence or because the machine slept: all goes on at once over another connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import adsum
import pytest
import pytest_asyncio
from adsum import awake
from adsum.keeper import Patience
from conftest import PATIENCE_S, Server
from relay import Relay
from test_client import soon, until

pytestmark = pytest.mark.asyncio
HOUR_S = 3_600.0


@pytest_asyncio.fixture
async def relay(server: Server) -> AsyncIterator[Relay]:
    """The way to the server."""
    found = await Relay.start(server.port)
    yield found
    found.close()


@pytest.fixture
def sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the machine slept, in hours; the test adds to it."""
    slept = [0.0]
    real = awake.now
    monkeypatch.setattr(awake, "now", lambda: real() + sum(slept) * HOUR_S)
    return slept


async def through(server: Server, relay: Relay, name: str, **more: object) -> adsum.Client:
    """A client that goes over the relay."""
    await server.enroll(name)
    home = server.folder / name
    await adsum.enroll(f"{name}@example.com", relay.address, home=home)
    return adsum.Client(home=home, answer_timeout=PATIENCE_S, connect_timeout=1.0, **more)  # type: ignore[arg-type]


async def wakes_elsewhere(client: adsum.Client, relay: Relay, sleep: list[float], hours: float) -> None:
    """Sleeps where the network goes, and wakes where it is another one."""
    before = (await client.linked()).number
    relay.cut(True)
    sleep.append(hours)
    while client._keeper.link is not None:
        await asyncio.sleep(0.02)
    relay.rebind()
    relay.cut(False)
    assert (await soon(client.linked())).number == before + 1


async def test_a_sleep_costs_a_connection_and_nothing_else(server: Server, relay: Relay, sleep: list[float]) -> None:
    async with await server.client("alice") as alice, await through(server, relay, "bob") as bob:
        shown, letters = bob.watch(alice.presentity), bob.inbox()
        publication = await alice.publish(adsum.document("open", "0"))
        await until(shown, "0")
        for number in range(1, 3):
            await publication.change(adsum.document("open", str(number)))
            await alice.send(bob.own_inbox, f"m{number}")
            await wakes_elsewhere(bob, relay, sleep, 1.0)
            assert await until(shown, str(number)) == [str(number)]
            assert (await soon(letters.__anext__())).text == f"m{number}"
        assert (await bob.inbox_state()).head == 2


async def test_what_ran_out_in_a_sleep_is_made_again_at_once(server: Server, relay: Relay, sleep: list[float]) -> None:
    async with await server.client("alice") as alice, await through(server, relay, "bob") as bob:
        seen = alice.watch(bob.presentity, every=True)
        publication = await bob.publish(adsum.document("open", "here"), lifetime=HOUR_S)
        shown = bob.watch(alice.presentity, lifetime=HOUR_S)
        assert not (await soon(shown.__anext__())).is_open
        await until(seen, "here")
        # At the server it runs out for another reason than the time, which the client cannot know.
        other = adsum.protocol.Publish(0, adsum.operation(), bob.presentity, "", publication.tag, 0)
        tag = publication.tag
        await bob.request(other)
        await bob.unsubscribe(alice.presentity)
        assert not (await soon(seen.__anext__())).is_open
        await wakes_elsewhere(bob, relay, sleep, 2.0)
        assert await until(seen, "here") == ["here"]
        while publication.tag == tag:
            await asyncio.sleep(0.02)
        assert publication.fault is None
        await alice.publish(adsum.document("open", "there"))
        states = []
        while not states or not states[-1].is_open:
            states.append(await soon(shown.__anext__()))
        assert all(one.state is not adsum.protocol.PresenceBodyState.TERMINATED for one in states), "its end is not shown"


async def test_who_ended_a_subscription_elsewhere_is_shown_that_and_is_not_subscribed_again(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        shown = bob.watch(alice.presentity)
        await soon(shown.__anext__())
        await bob.unsubscribe(alice.presentity)
        assert (await soon(shown.__anext__())).state is adsum.protocol.PresenceBodyState.TERMINATED
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(shown.__anext__(), 0.5)
        assert [one.state for one in await bob.subscriptions()] == [adsum.protocol.SubscriptionState.TERMINATED]


async def test_a_network_that_lets_one_way_pass_is_noticed_and_left(server: Server, relay: Relay) -> None:
    await through(server, relay, "bob")
    bob = adsum.Client(home=server.folder / "bob", answer_timeout=1.0, keep_alive=0.3)
    async with await server.client("alice") as alice, bob:
        letters = bob.inbox()
        link = await soon(bob.linked())
        began = time.monotonic()
        relay.back = False
        await alice.send(bob.own_inbox, "one")
        await soon(link.quic.over.wait())
        assert "no answer to anything" in str(bob._keeper.last), bob._keeper.last
        assert time.monotonic() - began < 15, "long before the connection was idle for its whole time"
        relay.back = True
        assert (await soon(letters.__anext__())).text == "one"
        await alice.send(bob.own_inbox, "two")
        assert (await soon(letters.__anext__())).text == "two"


async def test_a_server_that_has_nothing_to_say_is_not_taken_for_silent(server: Server) -> None:
    async with await server.client("alice", answer_timeout=0.4, keep_alive=0.2) as alice:
        link = await alice.linked()
        await asyncio.sleep(2.0)
        assert link.quic.end is None


async def test_a_silence_that_a_lost_packet_explains_is_none_however_short_an_answer_may_take() -> None:
    for answer, silence in [(None, 10.0), (0.0, 1.0), (0.05, 1.0), (3.0, 3.0)]:
        assert Patience(answer).silence == silence


async def test_a_sleep_is_what_the_timers_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {"machine": 0.0, "timers": 0.0}
    monkeypatch.setattr(awake, "now", lambda: clocks["machine"])
    monkeypatch.setattr(awake.time, "monotonic", lambda: clocks["timers"])
    sleeps = awake.Sleeps()
    for machine, timers, slept in [(67, 1, 66), (3, 2, None), (-5, 1, None), (600, 599, None)]:
        clocks["machine"] += machine
        clocks["timers"] += timers
        assert sleeps.slept() == slept
    lease = awake.Lease(60_000)
    assert (lease.left(), lease.has_lapsed(), lease.is_new()) == (30, False, True)
    clocks["machine"] += 31
    assert lease.left() < 0 and not lease.has_lapsed()
    clocks["machine"] += 30
    assert lease.has_lapsed() and not lease.is_new()
    assert awake.Lease(1).left() == 0.5, "not more than twice a second"
