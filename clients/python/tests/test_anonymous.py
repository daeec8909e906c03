"""Sessions of nobody in particular."""

from __future__ import annotations

import asyncio

import adsum
import pytest
from adsum import protocol as p
from conftest import DOMAIN, PATIENCE_S, Server
from relay import Relay
from test_client import soon, texts, until

pytestmark = pytest.mark.asyncio


async def lets_nobody_write(client: adsum.Client) -> None:
    """What nobody in particular writes becomes part of the inbox."""
    accept = p.DeliveryRule("nobody", "anonymous", action=p.DeliveryRuleAction.ACCEPT)
    await client.request(p.ChangeDelivery(0, adsum.operation(), client.own_inbox, put=(accept,)))


async def test_nobody_in_particular_fetches_watches_and_writes(server: Server) -> None:
    async with await server.client("alice") as alice, adsum.Client.anonymous(server.address) as nobody:
        await alice.allow("anonymous")
        publication = await alice.publish(adsum.document("open", "at my desk"))
        assert (await nobody.fetch(alice.presentity)).notes == ["at my desk"]
        async with nobody.watch(alice.presentity) as shown:
            assert await until(shown, "at my desk") == ["at my desk"]
            await publication.change(adsum.document("open", "at lunch"))
            assert await until(shown, "at lunch") == ["at lunch"]
        letters = alice.inbox()
        await lets_nobody_write(alice)
        await nobody.send(alice.own_inbox, "is anybody there?")
        letter = await soon(letters.__anext__())
        welcome = await nobody.welcome()
        assert letter.sender == welcome.principal
        assert welcome.principal.endswith("@anonymous.invalid")


async def test_each_session_is_of_another_pseudonym_and_key_and_of_the_same_server(server: Server) -> None:
    async with adsum.Client.anonymous(server.address, keep_alive=0.3) as nobody:
        first = await nobody.welcome()
        pinned = nobody.identity.server_key
        assert pinned is not None
        server.kill()
        server.start("--open-enrollment")
        second = first
        while second == first:
            second = await soon(nobody.welcome())
            await asyncio.sleep(0.02)
        assert (second.principal, second.device) != (first.principal, first.device)
        assert nobody.identity.server_key == pinned
    async with adsum.Client.anonymous(server.address, bytes(32)) as deceived:
        with pytest.raises(adsum.ServerKeyChanged):
            await deceived.fetch(f"pres:alice@{DOMAIN}")


async def test_a_watch_of_nobody_goes_on_under_the_next_pseudonym(server: Server) -> None:
    alice = await server.client("alice", keep_alive=0.3, answer_timeout=PATIENCE_S)
    async with alice, adsum.Client.anonymous(server.address, keep_alive=0.3) as nobody:
        await alice.allow("anonymous")
        publication = await alice.publish(adsum.document("open", "before"))
        shown = nobody.watch(alice.presentity)
        await until(shown, "before")
        server.kill()
        server.start("--open-enrollment")
        await publication.change(adsum.document("open", "after"))
        assert "after" in await until(shown, "after")


async def test_a_message_of_nobody_that_was_not_answered_is_not_sent_twice(server: Server) -> None:
    async with await server.client("alice") as alice:
        await lets_nobody_write(alice)
        relay = await Relay.start(server.port)
        # Without a bound of its own, the wait ends when the connection does.
        nobody = adsum.Client.anonymous(relay.address, keep_alive=0.3, answer_timeout=None)
        async with nobody:
            link = await soon(nobody.linked())
            relay.back = False
            sending = asyncio.create_task(nobody.send(alice.own_inbox, "once"))
            assert await texts(alice.inbox(keep=True), 1) == ["once"]
            link.quic.lost(adsum.ConnectionLost("by the test"))
            relay.back = True
            with pytest.raises(adsum.OutcomeUnknown) as unknown:
                await soon(sending)
            assert unknown.value.id == "" and "may be done twice" in str(unknown.value)
            await soon(nobody.ask(p.ServerInfo()))
        assert (await alice.inbox_state()).head == 1
        relay.close()


async def test_what_nobody_may_not_is_said_before_or_by_the_server(server: Server) -> None:
    async with await server.client("alice") as alice, adsum.Client.anonymous(server.address) as nobody:
        for asked in (lambda: nobody.presentity, lambda: nobody.own_inbox, nobody.inbox):
            with pytest.raises(adsum.Invalid, match="anonymous"):
                asked()
        for refused in (nobody.publish(adsum.document(), presentity=alice.presentity), nobody.subscriptions()):
            with pytest.raises(adsum.Refused) as told:
                await refused
            assert told.value.refusal is p.RefusalCode.ANONYMOUS
        with pytest.raises(adsum.Refused) as told:
            await soon(nobody.inbox(alice.own_inbox).__anext__())
        assert told.value.refusal is p.RefusalCode.ANONYMOUS
    with pytest.raises(adsum.Invalid, match="no home"):
        adsum.Client(adsum.Identity.anonymous(server.address), home=server.folder / "nobody")
