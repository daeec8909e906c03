"""Who is composing a message (RFC 3994): told to whoever reads now, and kept nowhere."""

from __future__ import annotations

import asyncio

import adsum
import pytest
from adsum import protocol as p
from adsum.items import COMPOSING, COMPOSING_NAMESPACE
from conftest import DOMAIN, Server
from test_client import soon


@pytest.mark.asyncio
async def test_whoever_reads_now_is_told_who_composes_and_the_message_comes_behind(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        async with bob.inbox() as inbox:
            await soon(inbox.caught_up())
            await alice.composing(bob.own_inbox, content_type="text/plain", refresh=60)
            told = await soon(inbox.next_event())
            assert told == adsum.Composing(bob.own_inbox, f"alice@{DOMAIN}", True, 60, "text/plain")
            await alice.composing(bob.own_inbox, active=False)
            told = await soon(inbox.next_event())
            assert told == adsum.Composing(bob.own_inbox, f"alice@{DOMAIN}", False)
            await alice.send(bob.own_inbox, "lunch?")
            letter = await soon(inbox.next_event())
            assert isinstance(letter, adsum.Letter) and (letter.text, letter.sequence) == ("lunch?", 1)
        assert (await bob.inbox_state()).head == 1, "what told of composing lies nowhere"


@pytest.mark.asyncio
async def test_the_newest_word_of_a_sender_takes_the_place_of_the_one_before(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        async with bob.inbox() as inbox:
            await soon(inbox.caught_up())
            for refresh, active in enumerate((True, False, True, False), 60):
                await alice.composing(bob.own_inbox, active, refresh=refresh)
            await alice.send(bob.own_inbox, "done")
            await soon(held(inbox, 63))
            events = inbox.events()
            letter = await soon(events.__anext__())
            assert isinstance(letter, adsum.Letter), "a letter goes first, whatever came before it"
            told = await soon(events.__anext__())
            assert isinstance(told, adsum.Composing) and (told.is_active, told.refresh) == (False, 63)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(events.__anext__(), 0.2)


async def held(inbox: adsum.Inbox, refresh: int) -> None:
    """Waits until a letter is here, and the word with this number."""
    feed = inbox._opened()
    while not (feed._resume.entries and refresh in [one.refresh for one in feed._composing.values()]):
        await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_who_only_reads_letters_is_told_of_letters_only(server: Server) -> None:
    async with await server.client("alice") as alice, await server.client("bob") as bob:
        async with bob.inbox() as inbox:
            await soon(inbox.caught_up())
            waiting = asyncio.ensure_future(inbox.__anext__())
            await alice.composing(bob.own_inbox)
            await alice.send(bob.own_inbox, "done")
            assert (await soon(waiting)).text == "done"


def event(body: str | bytes, content_type: str = COMPOSING) -> p.ComposingEvent:
    data = body.encode() if isinstance(body, str) else body
    return p.ComposingEvent("im:bob@example.com", "alice@example.com", content_type, data)


def indication(inner: str) -> str:
    return f'<?xml version="1.0"?><isComposing xmlns="{COMPOSING_NAMESPACE}">{inner}</isComposing>'


ACTIVE = "<state>active</state>"
CPIM = "From: <im:alice@example.com>\r\nTo: <im:bob@example.com>\r\n\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (indication(ACTIVE), COMPOSING, (True, 120, None)),
        (indication("<state> idle </state>"), f"{COMPOSING}; charset=utf-8", (False, 120, None)),
        (indication("<state>thinking</state>"), COMPOSING, (False, 120, None)),
        (indication(f"{ACTIVE}<refresh>90</refresh><contenttype>text/html</contenttype>"), COMPOSING, (True, 90, "text/html")),
        (indication(f"{ACTIVE}<refresh>soon</refresh><x xmlns='urn:x'>y<state>idle</state></x>"), COMPOSING, (True, 120, None)),
        (CPIM + indication(ACTIVE), "message/cpim", (True, 120, None)),
        (indication(ACTIVE).encode("utf-16"), COMPOSING, (True, 120, None)),
        (indication("<refresh>90</refresh>"), COMPOSING, None),
        ("<isComposing><state>active</state></isComposing>", COMPOSING, None),
        ("<!DOCTYPE x [<!ENTITY a 'active'>]>" + indication("<state>&a;</state>"), COMPOSING, None),
        (indication(ACTIVE)[:-3], COMPOSING, None),
        ("", COMPOSING, None),
    ],
)
def test_an_indication_is_read_as_its_senders_write_it(
    body: str | bytes, content_type: str, said: tuple[bool, int, str | None] | None
) -> None:
    told = adsum.Composing.of(event(body, content_type))
    assert (told and (told.is_active, told.refresh, told.content_type)) == said


def test_what_is_written_is_read() -> None:
    for active, refresh, kind in [(True, None, None), (False, 60, "text/plain"), (True, 61, 'a/b; c="<&>"')]:
        told = adsum.Composing.of(event(adsum.Composing.document(active, refresh, kind)))
        assert told is not None
        assert (told.is_active, told.refresh, told.content_type) == (active, refresh or 120, kind)
