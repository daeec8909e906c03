"""A client that keeps one connection, comes back when it is lost, and repeats what was not answered.

Sections 6, 7, 8 and 11 of `docs/PROTOCOL.md`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from types import TracebackType
from typing import Any

from . import protocol as p
from .connection import Link, connect
from .errors import (
    AdsumError,
    Closed,
    ConnectionLost,
    Invalid,
    NotAuthenticated,
    OutcomeUnknown,
    ProtocolViolation,
    Refused,
    ServerKeyChanged,
    StreamEnded,
    Unreachable,
    VersionMismatch,
)
from .feeds import Feed, News
from .identity import Home, Identity, invite_id, new_token, read_token, write_token
from .resume import BackOff, Fault, FeedResume, Kind, Position, Requests

SOFTWARE = "adsum-python/0.1.0"
TEXT = "text/plain; charset=utf-8"
PAUSE_S = 0.2


class Receipts(IntFlag):
    """Which receipts a sender wants."""

    NONE = 0
    STORED = 1
    DELIVERED = 2
    DISPLAYED = 4
    FAILED = 8
    EXPIRED = 16


@dataclass(frozen=True)
class Shown:
    """A presentity as the watcher is shown it now."""

    presence: p.PresenceBody
    #: Whether it was sent because the cursor was of no use: it replaces what was known.
    anew: bool

    @property
    def presentity(self) -> str:
        """Whose presence it is."""
        return self.presence.presentity

    @property
    def state(self) -> p.PresenceBodyState:
        """Where the subscription stands."""
        return p.PresenceBodyState(self.presence.state)

    @property
    def is_open(self) -> bool:
        """Whether some tuple says open."""
        return any(one.basic == p.TupleBasic.OPEN for one in self.presence.document.tuples)

    @property
    def notes(self) -> list[str]:
        """What the presentity says in words."""
        document = self.presence.document
        notes = [note for one in document.tuples for note in one.notes] + list(document.notes)
        return [note.text.decode() for note in notes if note.text is not None]


@dataclass(frozen=True)
class Sent:
    """A message that is in its inbox."""

    id: str
    duplicate: bool
    #: Whether the answer means that it is on stable storage.
    is_synced: bool


class Letter:
    """A message or receipt from an inbox."""

    def __init__(self, feed: Feed, number: int, item: p.MessageBody | p.ReceiptBody) -> None:
        self._feed = feed
        self._number = number
        self.message = item if isinstance(item, p.MessageBody) else None
        self.receipt = item if isinstance(item, p.ReceiptBody) else None

    @property
    def sequence(self) -> int:
        """The position in the inbox."""
        item = self.message or self.receipt
        return item.sequence if item is not None else 0

    @property
    def sender(self) -> str:
        """Who sent the message; empty for a receipt."""
        return self.message.sender if self.message is not None else ""

    @property
    def text(self) -> str:
        """The body of a message as text; what is not UTF-8 is shown by U+FFFD."""
        body = self.message.body if self.message is not None else None
        return (body or b"").decode(errors="replace")

    async def acknowledge(self) -> None:
        """This device has taken it for good, and all before it."""
        await self._feed.taken(self._number)


class Publication:
    """A publication that is kept up as long as the client lives."""

    def __init__(self, client: Client, body: p.Publish, published: p.Published) -> None:
        self._client = client
        self._body = body
        self.tag = published.tag
        self.granted_ms = published.granted_ms
        self._lock = asyncio.Lock()
        self._task = asyncio.create_task(self._keep_up())

    async def change(self, document: p.Document) -> None:
        """Publishes another document in its place."""
        async with self._lock:
            await self._publish(document)

    async def remove(self) -> None:
        """Removes it."""
        self._task.cancel()
        async with self._lock:
            body = replace(self._body, operation=operation(), if_match=self.tag, lifetime_ms=0, document=None)
            try:
                await self._client.request(body, "the removal", body.operation.hex())
            except Refused as refused:
                if refused.refusal is not p.RefusalCode.STALE_TAG:
                    raise

    def forget(self) -> None:
        """Lets it run out."""
        self._task.cancel()

    async def _publish(self, document: p.Document | None) -> None:
        body = replace(self._body, operation=operation(), if_match=self.tag, document=document)
        try:
            published = await self._client.request(body, "the publication", body.operation.hex())
        except Refused as refused:
            if refused.refusal is not p.RefusalCode.STALE_TAG:
                raise
            # It ran out while this client was away: it is made anew, in place of whatever is there.
            body = replace(body, operation=operation(), if_match=None, document=document or self._body.document)
            published = await self._client.request(body, "the publication", body.operation.hex())
        if document is not None:
            self._body = replace(self._body, document=document)
        self.tag, self.granted_ms = published.tag, published.granted_ms

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(self.granted_ms / 2_000)
            async with self._lock:
                try:
                    await self._publish(None)
                except (OutcomeUnknown, Unreachable, ConnectionLost):
                    await asyncio.sleep(PAUSE_S)


def operation() -> bytes:
    """Names a new operation."""
    return secrets.token_bytes(16)


def document(status: str | None = "open", note: str | None = None, contact: str | None = None, id: str = "adsum") -> p.Document:
    """A document of one tuple."""
    basic = {None: 0, "open": 1, "closed": 2}.get(status)
    if basic is None:
        raise Invalid(f"the status {status!r} is neither open nor closed")
    notes = (p.Note("", note.encode()),) if note is not None else ()
    where = p.Contact(contact.encode()) if contact is not None else None
    return p.Document((p.Tuple(id, basic, (), where, notes),))


class Client:
    """A device of a principal, connected to its server for as long as the client lives.

    `answer_timeout` bounds the wait for each answer, in seconds; `None` waits for ever. A silent connection shows every
    `keep_alive` seconds that it lives, and then notices a server that was killed.
    """

    def __init__(
        self,
        identity: Identity | None = None,
        *,
        home: Home | str | os.PathLike[str] | None = None,
        answer_timeout: float | None = 10.0,
        connect_timeout: float = 5.0,
        keep_alive: float = p.KEEP_ALIVE_MS / 1_000,
        software: str = SOFTWARE,
    ) -> None:
        self._home = home if isinstance(home, Home) or home is None else Home(home)
        found = identity or (self._home.load() if self._home is not None else None)
        if found is None:
            raise Invalid("nobody is enrolled there; call adsum.enroll first")
        self.identity = found
        self._answer_timeout = answer_timeout
        self._connect_timeout = connect_timeout
        self._keep_alive = keep_alive
        self._software = software
        self._requests = Requests()
        self._back_off = BackOff()
        self._link: Link | None = None
        self._is_synced = False
        self._news = News()
        self._fault: AdsumError | None = None
        self._last: AdsumError | None = None
        self._to_write = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._feeds: set[Feed] = set()
        self._publications: set[Publication] = set()

    async def __aenter__(self) -> Client:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends feeds and closes the connection. Publications and subscriptions live until their lifetimes are over."""
        for publication in self._publications:
            publication.forget()
        for feed in list(self._feeds):
            await feed.close()
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._fail(Closed("the client was closed; open a new one"))

    # What an application asks.

    @property
    def presentity(self) -> str:
        """One's own presentity."""
        return f"pres:{self.identity.principal}"

    @property
    def own_inbox(self) -> str:
        """One's own inbox."""
        return f"im:{self.identity.principal}"

    async def welcome(self) -> p.Welcome:
        """What the server said when it let this client in."""
        return (await self.linked()).welcome

    async def publish(
        self,
        document: p.Document,
        *,
        presentity: str | None = None,
        name: str = "",
        lifetime: float | None = None,
        operation_id: bytes | None = None,
    ) -> Publication:
        """Publishes presence in place of what this device published under `name`, and keeps it up."""
        lifetime_ms = milliseconds(lifetime)
        named = operation_id or operation()
        body = p.Publish(0, named, presentity or self.presentity, name, None, lifetime_ms, document)
        published = await self.request(body, "the publication", body.operation.hex())
        publication = Publication(self, body, published)
        self._publications.add(publication)
        return publication

    async def fetch(self, presentity: str) -> Shown:
        """The current presence, without a subscription."""
        answer = await self.ask(p.Fetch(presentity))
        return Shown(answer[0].presence, anew=False)

    async def subscribe(
        self, presentity: str, *, every: bool = False, lifetime: float | None = None, operation_id: bytes | None = None
    ) -> p.Subscribed:
        """Begins or renews a subscription; `watch` does it by itself."""
        named = operation_id or operation()
        body = p.Subscribe(0, presentity, int(every), milliseconds(lifetime), named)
        subscribed: p.Subscribed = await self.request(body, f"the subscription to {presentity}", named.hex())
        return subscribed

    async def unsubscribe(self, presentity: str) -> None:
        """Ends a subscription."""
        await self.request(p.Unsubscribe(0, presentity), f"the end of the subscription to {presentity}", presentity)

    async def watch(
        self, *presentities: str, every: bool = False, lifetime: float | None = None
    ) -> AsyncIterator[Shown]:
        """Subscribes, renews in time, and tells of each change; resumes where the last watch of the same stopped.

        A change counts as taken when the next one is asked for. Without presentities it tells of all subscriptions
        there are.
        """
        renewals = {one: asyncio.create_task(self._renew(one, every, lifetime)) for one in presentities}
        opening = p.FeedOpen(p.FeedOpenKind.PRESENCE, presentities=tuple(presentities))
        feed = self._feed(Kind.PRESENCE, opening, "presence " + " ".join(sorted(presentities)))
        try:
            taken = None
            while True:
                handed = await self._next_or_fault(feed, taken, renewals.values())
                shown = Shown(handed.item, handed.anew)
                yield shown
                taken = handed.number
                self._ended(shown, renewals, every, lifetime)
        finally:
            for task in renewals.values():
                task.cancel()
            await asyncio.gather(*renewals.values(), return_exceptions=True)
            self._feeds.discard(feed)
            await feed.close()

    async def inbox(self, inbox: str | None = None, *, from_start: bool = False, keep: bool = False) -> AsyncIterator[Letter]:
        """Tells of messages and receipts, those that wait first, each once.

        A letter counts as taken when the next one is asked for, or when it is acknowledged. With `keep` nothing is
        ever acknowledged.
        """
        address = inbox or self.own_inbox
        opening = p.FeedOpen(p.FeedOpenKind.INBOX, inbox=address, from_start=from_start)
        kind = Kind.INBOX_KEPT if keep else Kind.INBOX
        feed = self._feed(kind, opening, f"inbox {address}", from_start)
        try:
            taken = None
            while True:
                handed = await self._next_or_fault(feed, taken, ())
                yield Letter(feed, handed.number, handed.item)
                taken = handed.number
        finally:
            self._feeds.discard(feed)
            await feed.close()

    async def send(
        self,
        inbox: str,
        body: str | bytes,
        *,
        content_type: str = TEXT,
        id: str | None = None,
        sender: str = "",
        lifetime: float | None = None,
        receipts: Receipts = Receipts.NONE,
    ) -> Sent:
        """Puts a message into an inbox. The same `id` again is the same message."""
        named = id or secrets.token_hex(16)
        data = body.encode() if isinstance(body, str) else body
        wanted = int(receipts) or None
        frame = p.Send(0, inbox, sender, named, content_type, data, milliseconds(lifetime), wanted)
        answer = await self.request(frame, f"the message to {inbox}", named)
        return Sent(named, answer.duplicate, self._is_synced)

    async def delete(self, *sequences: int) -> int:
        """Deletes messages of one's own inbox for all devices; how many were there."""
        answer = await self.request(p.Delete(0, self.own_inbox, tuple(sequences)), "the deletion", "")
        count: int = answer.count
        return count

    async def displayed(self, sequence: int) -> None:
        """Says that a message of one's own inbox was displayed, for whoever asked for that receipt."""
        await self.request(p.Displayed(0, self.own_inbox, sequence), "the receipt", str(sequence))

    async def inbox_state(self, inbox: str | None = None) -> p.InboxState:
        """Where an inbox stands."""
        answer: p.InboxState = (await self.ask(p.InboxStatus(inbox or self.own_inbox)))[0]
        return answer

    async def rules(self, owner: str | None = None) -> tuple[int, list[p.AccessRule]]:
        """The access rules of a presentity, with their version."""
        version, *rows = await self.ask(p.ListRules(owner or self.presentity))
        return version.version, [row.rule for row in rows]

    async def change_rules(
        self,
        put: Sequence[p.AccessRule] = (),
        remove: Sequence[str] = (),
        *,
        owner: str | None = None,
        if_version: int | None = None,
        operation_id: bytes | None = None,
    ) -> int:
        """Changes access rules, all of it or nothing; the version of the rules from then on."""
        named = operation_id or operation()
        body = p.ChangeRules(0, named, owner or self.presentity, if_version, tuple(put), tuple(remove))
        version: int = (await self.request(body, "the change of rules", named.hex())).version
        return version

    async def allow(self, who: str) -> int:
        """Lets somebody fetch and subscribe, and shows them all."""
        return await self.change_rules([rule(who, p.AccessRuleFetch.ALLOW)])

    async def block(self, who: str) -> int:
        """Refuses somebody to fetch and subscribe."""
        return await self.change_rules([rule(who, p.AccessRuleFetch.BLOCK)])

    async def subscriptions(self) -> list[p.Subscription]:
        """One's own subscriptions, also those that ended and are still remembered."""
        return await self.ask(p.ListSubscriptions())

    async def watchers(self, presentity: str | None = None) -> list[Any]:
        """Who watches a presentity."""
        return await self.ask(p.ListWatchers(presentity or self.presentity))

    async def invite(self, principal: str | None = None, lifetime: float | None = None, token: bytes | None = None) -> str:
        """Makes an invite for another device of one's own, or as an administrator for others; its token."""
        secret = token or new_token()
        whom = principal or self.identity.principal
        body = p.Invite(0, invite_id(secret), whom, 0, milliseconds(lifetime))
        await self.request(body, f"the invite for {whom}", write_token(secret))
        return write_token(secret)

    async def request(self, body: Any, what: str, id: str) -> Any:
        """Any request of CONTROL and its answer; repeated over lost connections until the time is up.

        `what` and `id` are for `OutcomeUnknown`, if no answer comes in time.
        """
        if self._fault is not None:
            raise self._fault
        while not self._requests.has_room():
            await asyncio.sleep(PAUSE_S)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._requests.submit(body, answer)
        self._to_write.set()
        try:
            return await asyncio.wait_for(asyncio.shield(answer), self._answer_timeout)
        except asyncio.TimeoutError:
            if self._requests.is_written(answer):
                raise OutcomeUnknown(what, id) from None
            raise self._unreachable() from None
        finally:
            self._requests.withdraw(answer)

    async def ask(self, question: Any) -> list[Any]:
        """Any question and its rows without `End`; asked again when a connection is lost, until the time is up."""
        try:
            return await asyncio.wait_for(self._ask(question), self._answer_timeout)
        except asyncio.TimeoutError:
            raise self._unreachable() from None

    async def linked(self) -> Link:
        """The connection, when there is one."""
        while True:
            if self._fault is not None:
                raise self._fault
            if self._link is not None and self._link.quic.end is None and not self._link.leaving:
                return self._link
            await self._news.wait()

    async def pause(self, seconds: float, link: Link) -> None:
        """A pause before something is tried again; over at once when the connection is gone."""
        try:
            await asyncio.wait_for(link.quic.over.wait(), seconds)
        except asyncio.TimeoutError:
            return

    # How it is done.

    def _unreachable(self) -> AdsumError:
        return self._last or Unreachable(f"no answer from {self.identity.server}; check that it runs")

    def _feed(self, kind: Kind, opening: p.FeedOpen, name: str, from_start: bool = False) -> Feed:
        home, key = self._home, hashlib.sha256(name.encode()).hexdigest()[:16] + " " + name[:80]
        position = home.position(key) if home is not None else Position()
        resume: FeedResume[Any] = FeedResume(kind, position, from_start)

        def save(position: Position) -> None:
            if home is not None:
                home.store_position(key, position)

        feed = Feed(self, resume, lambda cursor: replace(opening, cursor=cursor), save)
        self._feeds.add(feed)
        return feed

    async def _next_or_fault(self, feed: Feed, taken: int | None, others: Iterable[asyncio.Task[None]]) -> Any:
        """The next item; what went wrong with a subscription meanwhile is raised."""
        if taken is not None:
            await feed.taken(taken)
        item = asyncio.create_task(feed.next())
        try:
            while not item.done():
                watched = [task for task in others if not (task.done() and not task.cancelled() and task.exception() is None)]
                await asyncio.wait({item, *watched}, return_when=asyncio.FIRST_COMPLETED)
                for task in watched:
                    if task.done() and not item.done():
                        task.result()
            return item.result()
        finally:
            item.cancel()

    async def _renew(self, presentity: str, every: bool, lifetime: float | None) -> None:
        """Subscribes, and again when half of the lifetime is over."""
        while True:
            try:
                granted = (await self.subscribe(presentity, every=every, lifetime=lifetime)).granted_ms
                await asyncio.sleep(granted / 2_000)
            except (OutcomeUnknown, Unreachable, ConnectionLost):
                await asyncio.sleep(PAUSE_S)

    def _ended(
        self, shown: Shown, renewals: dict[str, asyncio.Task[None]], every: bool, lifetime: float | None
    ) -> None:
        """Subscribes again at once after an end that allows it; gives up renewing after one that does not."""
        if shown.state is not p.PresenceBodyState.TERMINATED or shown.presentity not in renewals:
            return
        renewals[shown.presentity].cancel()
        if shown.presence.reason in (p.PresenceBodyReason.TIMEOUT, p.PresenceBodyReason.DEACTIVATED):
            renewals[shown.presentity] = asyncio.create_task(self._renew(shown.presentity, every, lifetime))

    async def _ask(self, question: Any) -> list[Any]:
        while True:
            link = await self.linked()
            stream = link.open()
            stream.write(question, first=bytes([p.STREAM_QUERY]), end=True)
            try:
                return await self._rows(stream, question.HAS_ROWS)
            except StreamEnded as ended:
                if ended.reset in (p.ResetCode.MALFORMED, p.ResetCode.FRAME_TOO_LARGE, p.ResetCode.UNSUPPORTED):
                    raise
                await self.pause(PAUSE_S, link)
            except (ConnectionLost, NotAuthenticated):
                await self.pause(PAUSE_S, link)
            finally:
                stream.cancel()

    async def _rows(self, stream: Any, has_rows: bool) -> list[Any]:
        rows: list[Any] = []
        while True:
            body = await stream.expect(*ANSWERS)
            if isinstance(body, p.End):
                return rows
            rows.append(body)
            if not has_rows:
                return rows

    async def _run(self) -> None:
        """Keeps the connection; a fault that nobody foresaw ends the client and is told to whoever waits."""
        try:
            await self._connect()
        except asyncio.CancelledError:
            raise
        except BaseException as fault:
            unforeseen = AdsumError(f"the client failed: {fault!r}; please report this")
            unforeseen.__cause__ = fault
            await self._fail(unforeseen)

    async def _connect(self) -> None:
        """Connects again and again, until it cannot help."""
        while True:
            try:
                link, _ = await connect(self.identity, self._software, self._connect_timeout)
            except Refused as refused:
                if refused.refusal not in (p.RefusalCode.BUSY, p.RefusalCode.GOING_AWAY):
                    return await self._fail(refused)
                self._last = refused
                self._back_off.stay_away((refused.retry_after_ms or 0) / 1_000)
            except (ServerKeyChanged, VersionMismatch, NotAuthenticated) as fault:
                return await self._fail(fault)
            except AdsumError as fault:
                self._last = fault
            else:
                if self._is_closing:
                    # Until Python 3.12 `asyncio.wait_for` loses a cancellation that comes with its result.
                    return await link.close(p.CloseCode.NO_ERROR, "done")
                began = asyncio.get_running_loop().time()
                self._last = await self._serve(link)
                self._back_off.lost_after(asyncio.get_running_loop().time() - began)
            await asyncio.sleep(self._back_off.next_wait(random.random()))

    async def _serve(self, link: Link) -> AdsumError:
        """Uses one connection to its end; why it ended."""
        self._requests.connected()
        self._is_synced = link.welcome.durability == p.WelcomeDurability.SYNCED
        self._link = link
        self._news.tell()
        tasks = [asyncio.create_task(work(link)) for work in (self._write, self._read, self._live)]
        code, why = p.CloseCode.NO_ERROR, None
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        except StreamEnded:
            why = await link.why()
        except (Fault, ProtocolViolation) as fault:
            code, why = p.CloseCode.PROTOCOL_VIOLATION, ProtocolViolation(str(fault))
        except AdsumError as fault:
            why = fault
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._link = None
            ended = link.quic.end
            await link.close(code, str(why or "done"))
        if isinstance(ended, ProtocolViolation):
            for answer in self._requests.abandon_written():
                if not answer.done():  # type: ignore[attr-defined]
                    answer.set_exception(ended)  # type: ignore[attr-defined]
        return ended or why or ConnectionLost("the server goes away")

    async def _write(self, link: Link) -> None:
        while not link.leaving:
            self._to_write.clear()
            frames = []
            while (request := self._requests.next_to_write()) is not None:
                frames.append(request)
            if frames:
                link.control.write(*frames)
            await self._to_write.wait()

    async def _read(self, link: Link) -> None:
        """Reads answers until the connection ends, or until a leaving server has answered all."""
        while not (link.leaving and self._requests.written == 0):
            body = await link.control.next()
            if isinstance(body, p.Goaway):
                link.leaving = True
                self._back_off.stay_away(body.reconnect_after_ms / 1_000)
                continue
            if body.KIND >= p.IGNORABLE_KIND_MIN:
                continue
            if not hasattr(body, "request"):
                raise ProtocolViolation(f"the server broke the protocol: a {type(body).__name__} came on CONTROL")
            self._answered(body)

    def _answered(self, body: Any) -> None:
        refused = body if isinstance(body, p.Refused) else None
        resolved = self._requests.answered(body.request, refused.code if refused else body)
        if resolved is None:
            return
        answer, result = resolved
        assert isinstance(answer, asyncio.Future)
        if answer.done():
            return
        if isinstance(result, int) and refused is not None:
            answer.set_exception(Refused.of(refused))
        else:
            answer.set_result(result)

    async def _live(self, link: Link) -> None:
        """Shows that the connection lives, until it does not."""
        while True:
            try:
                await asyncio.wait_for(link.quic.over.wait(), self._keep_alive)
            except asyncio.TimeoutError:
                link.quic.ping()
            else:
                raise link.quic.end or ConnectionLost("the connection is gone")

    async def _fail(self, fault: AdsumError) -> None:
        """Nothing can be asked any more."""
        self._fault = self._fault or fault
        for pending in [*self._requests.pending, *self._requests.deferred]:
            answer: Any = pending.token
            if not answer.done():
                answer.set_exception(self._fault)
        self._news.tell()


#: Kinds that may come as an answer to a question.
ANSWERS = tuple(kind for kind in p.KINDS.values() if kind.KIND >= 0x0100)


def rule(who: str, handling: p.AccessRuleFetch) -> p.AccessRule:
    """A rule about fetching and subscribing, named after whom it is about."""
    return p.AccessRule(who, who, handling, handling, p.Shown(None, True, True, True))


def milliseconds(seconds: float | None) -> int | None:
    """A length of time as the protocol has it."""
    return None if seconds is None else round(seconds * 1_000)


async def enroll(
    principal: str,
    server: str,
    *,
    home: Home | str | os.PathLike[str] | None = None,
    invite: str | None = None,
    label: str = "",
    server_key: bytes | None = None,
    timeout: float = 5.0,
) -> Identity:
    """Has a new key enrolled for a principal, with an invite or on a server that is open.

    The key is kept in `home` before anything is sent, so that a call whose answer was lost can be made again as it was.
    The server's key is pinned: to `server_key` if it is given, else to the one seen now.
    """
    kept = home if isinstance(home, Home) or home is None else Home(home)
    found = kept.load() if kept is not None else None
    identity = found if found is not None and found.principal == principal else Identity.generate(principal, server, server_key)
    identity = replace(identity, server=server, server_key=server_key or identity.server_key)
    if kept is not None:
        kept.store(identity)
    token = read_token(invite) if invite is not None else b""
    link, seen = await connect(identity, SOFTWARE, timeout, p.Enroll(token, label))
    identity = replace(identity, server_key=seen, principal=link.welcome.principal)
    if kept is not None:
        kept.store(identity)
    await link.close()
    return identity
