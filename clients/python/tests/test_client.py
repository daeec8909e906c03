"""What an application gets from the client, with a server that is a process of its own and is killed now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from typing import TypeVar

import adsum
import pytest
from adsum import protocol as p
from adsum.items import operation
from conftest import DOMAIN, PATIENCE_S, Server, program

T = TypeVar("T")
pytestmark = pytest.mark.asyncio


async def soon(what: Awaitable[T]) -> T:
    """What must happen."""
    return await asyncio.wait_for(what, PATIENCE_S)


async def until(shown: AsyncIterator[adsum.Shown], note: str) -> list[str]:
    """The notes that are shown, up to this one."""
    notes: list[str] = []
    while note not in notes:
        notes += (await soon(shown.__anext__())).notes
    return notes


async def texts(letters: AsyncIterator[adsum.Letter], count: int) -> list[str]:
    """The next messages."""
    return [(await soon(letters.__anext__())).text for _ in range(count)]


async def test_presence_is_published_watched_changed_and_removed(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        publication = await alice.publish(adsum.document("open", "at my desk"))
        shown = bob.watch(alice.presentity)
        assert await until(shown, "at my desk") == ["at my desk"]
        await publication.change(adsum.document("open", "at lunch"))
        assert await until(shown, "at lunch") == ["at lunch"]
        assert (await bob.fetch(alice.presentity)).is_open
        await publication.remove()
        assert not (await soon(shown.__anext__())).is_open
        await shown.aclose()


async def test_a_publication_and_a_subscription_are_kept_up_beyond_their_lifetimes(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        publication = await alice.publish(adsum.document("open", "still here"), lifetime=1)
        shown = bob.watch(alice.presentity, lifetime=1)
        await until(shown, "still here")
        first = publication.tag
        for _ in range(3):
            before = publication.tag
            while publication.tag == before:
                await asyncio.sleep(0.05)
        assert publication.tag != first
        await publication.change(adsum.document("open", "again"))
        assert await until(shown, "again") == ["again"], "nothing else was shown in between"


async def test_messages_come_once_each_and_resume_where_they_were_taken(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        sent = [await alice.send(bob.own_inbox, f"m{number}") for number in range(5)]
        assert all(one.is_synced and not one.duplicate for one in sent)
        letters = bob.inbox()
        assert await texts(letters, 3) == ["m0", "m1", "m2"]
        await letters.aclose()
    async with await server.client("bob") as bob:
        letters = bob.inbox()
        assert await texts(letters, 3) == ["m2", "m3", "m4"], "m2 was shown and not taken"
        while (await bob.inbox_state()).waiting != 1:
            await asyncio.sleep(0.02)


async def test_a_letter_is_acknowledged_for_good_when_the_application_says_so(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        await alice.send(bob.own_inbox, "one")
        letters = bob.inbox()
        letter = await soon(letters.__anext__())
        assert (letter.sender, letter.text, letter.sequence) == (f"alice@{DOMAIN}", "one", 1)
        await letter.acknowledge()
        while (await bob.inbox_state()).acknowledged != 1:
            await asyncio.sleep(0.02)
        kept = bob.inbox(from_start=True, keep=True)
        assert await texts(kept, 1) == ["one"], "it stays for the other devices"


async def test_receipts_come_to_who_asked_for_them(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        turned_on = p.ChangeDeliveryReceipts.TO_SENDERS_THAT_ASK
        await bob.request(p.ChangeDelivery(operation=operation(), inbox=bob.own_inbox, receipts=turned_on))
        wanted = adsum.Receipts.STORED | adsum.Receipts.DELIVERED
        sent = await alice.send(bob.own_inbox, "lunch?", receipts=wanted)
        own = alice.inbox()
        receipt = (await soon(own.__anext__())).receipt
        assert receipt is not None
        assert (receipt.id, receipt.kind) == (sent.id, p.ReceiptBodyKind.STORED)


async def test_the_same_id_is_the_same_message(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        assert not (await alice.send(bob.own_inbox, "once", id="x1")).duplicate
        assert (await alice.send(bob.own_inbox, "once", id="x1")).duplicate
        with pytest.raises(adsum.Refused) as refused:
            await alice.send(bob.own_inbox, "twice", id="x1")
        assert (refused.value.code, refused.value.refusal) == ("duplicate-id", p.RefusalCode.DUPLICATE_ID)


async def test_all_of_one_sender_is_deleted_at_once(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        for text in ("one", "two"):
            await alice.send(bob.own_inbox, text)
        await bob.send(bob.own_inbox, "to myself")
        assert await bob.delete_from(f"alice@{DOMAIN}") == 2
        assert await texts(bob.inbox(), 1) == ["to myself"]


async def test_a_composing_indication_is_skipped_by_who_does_not_know_it(server: Server) -> None:
    composing = '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        letters = bob.inbox()
        waiting = asyncio.ensure_future(letters.__anext__())
        await asyncio.sleep(0)
        await alice.send(bob.own_inbox, composing, content_type="application/im-iscomposing+xml")
        await alice.send(bob.own_inbox, "done")
        assert (await soon(waiting)).text == "done"


async def test_rules_decide_who_is_shown_what(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        await alice.publish(adsum.document("open", "here"))
        version = await alice.block(f"bob@{DOMAIN}")
        with pytest.raises(adsum.Refused) as refused:
            await bob.fetch(alice.presentity)
        assert refused.value.code == "refused"
        assert await alice.allow(f"bob@{DOMAIN}") > version
        assert (await bob.fetch(alice.presentity)).notes == ["here"]
        found, rules = await alice.rules()
        assert (found, [one.name for one in rules]) == (version + 1, [f"bob@{DOMAIN}"])


async def test_everything_goes_on_after_the_server_was_killed(server: Server) -> None:
    # A silent connection notices the kill at its next sign of life.
    alice = await server.client("alice", keep_alive=0.3, answer_timeout=PATIENCE_S)
    bob = await server.client("bob", keep_alive=0.3, answer_timeout=PATIENCE_S)
    async with alice, bob:
        publication = await alice.publish(adsum.document("open", "before"))
        shown, letters = bob.watch(alice.presentity), bob.inbox()
        await until(shown, "before")
        await alice.send(bob.own_inbox, "m0")
        assert await texts(letters, 1) == ["m0"]
        for round_ in range(1, 4):
            server.kill()
            waiting = asyncio.create_task(alice.send(bob.own_inbox, f"m{round_}"))
            change = asyncio.create_task(publication.change(adsum.document("open", f"after {round_}")))
            await asyncio.sleep(0.1)
            server.start("--open-enrollment")
            assert not (await soon(waiting)).duplicate
            await soon(change)
            assert await texts(letters, 1) == [f"m{round_}"]
            assert await until(shown, f"after {round_}") == [f"after {round_}"], "nothing twice, nothing left out"


async def test_what_was_sent_when_the_server_was_killed_is_there_once(server: Server) -> None:
    alice = await server.client("alice", keep_alive=0.3, answer_timeout=PATIENCE_S)
    bob = await server.client("bob", keep_alive=0.3, answer_timeout=PATIENCE_S)
    async with alice, bob:
        await alice.welcome()
        tasks = [asyncio.create_task(alice.send(bob.own_inbox, f"m{number:03}")) for number in range(200)]
        await soon(tasks[20])
        server.kill()
        server.start("--open-enrollment")
        await soon(asyncio.gather(*tasks))
        assert await texts(bob.inbox(), 200) == [f"m{number:03}" for number in range(200)]
        assert (await bob.inbox_state()).head == 200


async def test_a_stateless_reset_ends_the_connection_at_once(server: Server) -> None:
    # With the longest idle time and no other sign, only the reset can tell.
    async with await server.client("alice", keep_alive=0.3) as alice:
        link = await alice.linked()
        server.kill()
        server.start("--open-enrollment")
        await soon(link.quic.over.wait())
        assert str(link.quic.end) == "the server was restarted"
        assert await soon(alice.fetch(alice.presentity))


async def test_an_orderly_restart_is_followed_too(server: Server) -> None:
    alice = await server.client("alice", answer_timeout=PATIENCE_S)
    async with alice:
        letters = alice.inbox()
        await alice.send(alice.own_inbox, "before")
        assert await texts(letters, 1) == ["before"]
        await asyncio.to_thread(server.stop)
        server.start("--open-enrollment")
        await alice.send(alice.own_inbox, "after")
        assert await texts(letters, 1) == ["after"]


async def test_an_outcome_that_is_not_known_is_told_with_the_id_that_repeats_it(server: Server) -> None:
    alice = await server.client("alice", answer_timeout=0.5)
    async with alice:
        await alice.welcome()
        assert server.process is not None
        server.kill()
        with pytest.raises(adsum.OutcomeUnknown) as unknown:
            await alice.send(alice.own_inbox, "maybe", id="once-1")
        assert (unknown.value.code, unknown.value.id) == ("outcome-unknown", "once-1")
        server.start("--open-enrollment")
        while True:
            try:
                await alice.send(alice.own_inbox, "maybe", id=unknown.value.id)
                break
            except (adsum.OutcomeUnknown, adsum.Unreachable):
                continue
        assert (await alice.inbox_state()).head == 1


async def test_nothing_was_sent_is_told_apart_from_not_known(server: Server) -> None:
    await server.enroll("alice")
    server.kill()
    async with adsum.Client(home=server.folder / "alice", answer_timeout=0.3, connect_timeout=0.2) as alice:
        with pytest.raises(adsum.Unreachable):
            await alice.send(alice.own_inbox, "never")


async def test_another_key_of_the_server_is_refused_loudly_and_nothing_is_sent(server: Server) -> None:
    identity = await server.enroll("alice")
    other = replace(identity, server_key=bytes(32))
    async with adsum.Client(other) as alice:
        with pytest.raises(adsum.ServerKeyChanged, match="HAS CHANGED"):
            await alice.fetch(alice.presentity)


async def test_a_key_that_is_not_enrolled_is_told_so(server: Server) -> None:
    await server.enroll("alice")
    stranger = adsum.Identity.generate(f"alice@{DOMAIN}", server.address)
    async with adsum.Client(stranger) as alice:
        with pytest.raises(adsum.Refused) as refused:
            await alice.welcome()
        assert refused.value.is_authentication and refused.value.code == "unknown-key"


async def test_an_invite_lets_a_second_device_in_and_its_token_reads_back(server: Server) -> None:
    async with await server.client("alice") as alice:
        token = await alice.invite()
        with pytest.raises(adsum.Invalid, match="slip"):
            await adsum.enroll(f"alice@{DOMAIN}", server.address, invite=("b" if token[0] == "a" else "a") + token[1:])
        second = await adsum.enroll(f"alice@{DOMAIN}", server.address, invite=token.upper(), label="second")
        assert second.device != alice.identity.device
        keys = await alice.ask(p.ListKeys())
        assert {one.device.hex() for one in keys} == {second.device, alice.identity.device}


async def test_the_command_line_takes_a_token_made_here(server: Server) -> None:
    async with await server.client("alice") as alice:
        token = await alice.invite()
        command = ["enroll", f"alice@{DOMAIN}", "--server", server.address, "--invite", token]
        home = {"ADSUM_HOME": str(server.folder / "second")}
        process = await asyncio.create_subprocess_exec(str(program()), *command, env=home)
        assert await soon(process.wait()) == 0
        assert len(await alice.ask(p.ListKeys())) == 2


async def test_a_client_that_is_closed_says_so(server: Server) -> None:
    async with await server.client("alice") as alice:
        await alice.welcome()
    with pytest.raises(adsum.Closed):
        await alice.send(alice.own_inbox, "late")
