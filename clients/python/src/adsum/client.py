"""A client that keeps one connection, comes back when it is lost, and repeats what was not answered.

Sections 6, 7, 8 and 11 of `docs/PROTOCOL.md`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from . import protocol as p
from .asked import Asked
from .awake import TICK_S, Lease, Sleeps
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
from .items import COMPOSING, TEXT, Composing, Receipts, Sent, Shown, milliseconds, operation, rule
from .publication import Publication
from .resume import BackOff, Fault, FeedResume, Kind, Position, Requests
from .streams import Inbox, Watch

SOFTWARE = "adsum-python/0.1.0"
PAUSE_S = 0.2
#: How long a server may be silent although something was sent, unless the client says how long an answer may take.
ANSWER_S = 10.0


class Client:
    """A device of a principal, connected to its server for as long as the client lives. To be used with `async with`.

    `answer_timeout` bounds the wait for each answer, in seconds; `None` waits for ever. A silent connection shows every
    `keep_alive` seconds that it lives; one over which nothing comes back for `answer_timeout` (10 s for `None`) is given up,
    and another one made. With a `home` what was asked and not answered outlives the process, unless `keep_requests` says
    otherwise: see `unfinished`.
    """

    def __init__(
        self,
        identity: Identity | None = None,
        *,
        home: Home | str | os.PathLike[str] | None = None,
        answer_timeout: float | None = ANSWER_S,
        connect_timeout: float = 5.0,
        keep_alive: float = p.KEEP_ALIVE_MS / 1_000,
        keep_requests: bool = True,
        software: str = SOFTWARE,
    ) -> None:
        self._home = home if isinstance(home, Home) or home is None else Home(home)
        found = identity or (self._home.load() if self._home is not None else None)
        if found is None:
            raise Invalid("nobody is enrolled there; call adsum.enroll first")
        if found.is_anonymous and self._home is not None:
            raise Invalid("what an anonymous session has taken is forgotten with it; give it no home")
        self.identity = found
        #: What an earlier process asked and did not learn the outcome of: it is asked again, before anything else.
        self.unfinished: list[Asked] = []
        self._answer_timeout = answer_timeout
        self._connect_timeout = connect_timeout
        self._keep_alive = keep_alive
        self._keep_requests = keep_requests and self._home is not None
        self._software = software
        self._requests = Requests()
        self._kept: list[Asked] = []
        self._is_keeping = False
        self._back_off = BackOff()
        self._link: Link | None = None
        self._links = 0
        self._is_synced = False
        self._news = News()
        self._fault: AdsumError | None = None
        self._last: AdsumError | None = None
        self._to_write = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._feeds: set[Feed] = set()
        self._publications: set[Publication] = set()

    @classmethod
    def anonymous(
        cls,
        server: str,
        server_key: bytes | None = None,
        *,
        answer_timeout: float | None = ANSWER_S,
        connect_timeout: float = 5.0,
        keep_alive: float = p.KEEP_ALIVE_MS / 1_000,
        software: str = SOFTWARE,
    ) -> Client:
        """A client that is nobody in particular: it may fetch, watch and send, where rules let it.

        The server gives each of its connections another pseudonym, see `welcome`. Without `server_key` the key that the
        server shows first is trusted for as long as the client lives. A message that was sent and not answered is not sent
        again by itself, because the server cannot know that it is the same: that is `OutcomeUnknown`.
        """
        return cls(
            Identity.anonymous(server, server_key),
            answer_timeout=answer_timeout,
            connect_timeout=connect_timeout,
            keep_alive=keep_alive,
            software=software,
        )

    async def __aenter__(self) -> Client:
        if self._task is not None:
            raise Invalid("a client is opened once; make a new one")
        if self._home is not None:
            self._home.lock()
        try:
            self._take_up()
        except BaseException:
            self._unlock()
            raise
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends watches and inboxes and closes the connection. Publications and subscriptions live until their lifetimes are over.

        Whoever waits for an answer is told `OutcomeUnknown` if the request was sent, else `Closed`.
        """
        self._is_closing = True
        for publication in list(self._publications):
            publication.forget()
        for feed in list(self._feeds):
            await feed.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail(Closed("the client was closed; open a new one"))
        self._unlock()

    # What an application asks.

    @property
    def presentity(self) -> str:
        """One's own presentity."""
        return f"pres:{self._principal()}"

    @property
    def own_inbox(self) -> str:
        """One's own inbox."""
        return f"im:{self._principal()}"

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

    async def unsubscribe(self, presentity: str, *, operation_id: bytes | None = None) -> None:
        """Ends a subscription."""
        body = p.Unsubscribe(0, presentity, operation_id or operation())
        await self.request(body, f"the end of the subscription to {presentity}", body.operation.hex() if body.operation else "")

    def watch(self, *presentities: str, every: bool = False, lifetime: float | None = None) -> Watch:
        """Subscribes, renews in time, and tells of each change; resumes where the last watch of the same stopped.

        A change counts as taken when the next one is asked for. Without presentities it tells of all subscriptions
        there are.
        """
        opening = p.FeedOpen(p.FeedOpenKind.PRESENCE, presentities=tuple(presentities))
        name = "presence " + " ".join(sorted(presentities))
        return Watch(self, lambda: self._feed(Kind.PRESENCE, opening, name), presentities, every, lifetime)

    def inbox(self, inbox: str | None = None, *, from_start: bool = False, keep: bool = False) -> Inbox:
        """Tells of messages and receipts, those that wait first, each once.

        A letter counts as taken when the next one is asked for, or when it is acknowledged. With `keep` nothing is
        ever acknowledged. `events()` of it also tells who is composing.
        """
        address = inbox or self.own_inbox
        opening = p.FeedOpen(p.FeedOpenKind.INBOX, inbox=address, from_start=from_start)
        kind = Kind.INBOX_KEPT if keep else Kind.INBOX
        return Inbox(lambda: self._feed(kind, opening, f"inbox {address}", from_start))

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

    async def composing(
        self, inbox: str, active: bool = True, *, refresh: int | None = None, content_type: str | None = None
    ) -> None:
        """Tells whoever reads the inbox now that one is composing a message, or has stopped to (RFC 3994).

        It is kept nowhere. While one goes on, say it again within `refresh` seconds (120 for `None`), at least 60 apart; the
        message itself, once it is sent, says that one has stopped.
        """
        body = Composing.document(active, refresh, content_type)
        frame = p.Send(0, inbox, "", secrets.token_hex(16), COMPOSING, body)
        await self.request(frame, f"the indication to {inbox}", "", lasts=False)

    async def delete(self, *sequences: int, operation_id: bytes | None = None) -> int:
        """Deletes messages of one's own inbox for all devices; how many were there."""
        named = operation_id or operation()
        body = p.Delete(0, self.own_inbox, tuple(sequences), named)
        count: int = (await self.request(body, "the deletion", named.hex())).count
        return count

    async def delete_from(self, sender: str) -> int:
        """Deletes all messages of `sender` in one's own inbox, stored aside or not, for all devices; how many were there."""
        count = 0
        while True:
            named = operation()
            body = p.Delete(0, self.own_inbox, (), named, sender.encode())
            found: int = (await self.request(body, "the deletion", named.hex())).count
            count += found
            if found < p.DELETE_COUNT_MAX:
                return count

    async def displayed(self, sequence: int, *, operation_id: bytes | None = None) -> None:
        """Says that a message of one's own inbox was displayed, for whoever asked for that receipt."""
        named = operation_id or operation()
        await self.request(p.Displayed(0, self.own_inbox, sequence, named), "the receipt", named.hex())

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

    async def watchers(self, presentity: str | None = None) -> list[p.Watcher]:
        """Who watches a presentity."""
        return await self.ask(p.ListWatchers(presentity or self.presentity))

    async def invite(
        self, principal: str | None = None, lifetime: float | None = None, token: bytes | str | None = None
    ) -> str:
        """Makes an invite for another device of one's own, or as an administrator for others; its token."""
        secret = (read_token(token) if isinstance(token, str) else token) or new_token()
        whom = principal or self.identity.principal
        body = p.Invite(0, invite_id(secret), whom, 0, milliseconds(lifetime))
        text = write_token(secret, self.identity.server_key)
        await self.request(body, f"the invite for {whom}", text)
        return text

    async def request(self, body: Any, what: str = "the request", id: str = "", *, lasts: bool = True) -> Any:
        """Any request of CONTROL and its answer; repeated over lost connections until the time is up.

        `what` and `id` are for `OutcomeUnknown`, if no answer comes in time. What `lasts` is kept in the folder until it is
        answered, so that a later process asks it again if this one is killed.
        """
        self._check()
        asked = Asked(body, what, id, lasts=lasts and self._keep_requests)
        try:
            return await asyncio.wait_for(self._answer(asked), self._answer_timeout)
        except asyncio.TimeoutError:
            if self._requests.is_written(asked):
                raise OutcomeUnknown(what, id) from None
            raise self._unreachable() from None
        finally:
            if not self._is_closing and self._fault is None:
                self._requests.withdraw(asked)
                self._keep_soon(asked)
                self._news.tell()

    async def ask(self, question: Any) -> list[Any]:
        """Any question and its rows without `End`; asked again when a connection is lost, until the time is up."""
        self._check()
        try:
            return await asyncio.wait_for(self._ask(question), self._answer_timeout)
        except asyncio.TimeoutError:
            raise self._unreachable() from None

    async def linked(self) -> Link:
        """The connection, when there is one."""
        self._check()
        while True:
            if self._fault is not None:
                raise self._fault
            if self._link is not None and self._link.quic.end is None and not self._link.leaving:
                return self._link
            await self._news.wait()

    async def pause(self, seconds: float, link: Link) -> None:
        """A pause before something is tried again; over at once when the connection is gone."""
        await _at_most(link.quic.over.wait(), seconds)

    # How it is done.

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._task is None:
            raise Invalid("the client is not open; use it with: async with client")

    def _principal(self) -> str:
        if self.identity.is_anonymous:
            raise Invalid("an anonymous session has neither presence nor an inbox; name whose is meant")
        return self.identity.principal

    def _unreachable(self) -> AdsumError:
        return self._last or Unreachable(f"no answer from {self.identity.server}; check that it runs")

    def _unlock(self) -> None:
        if self._home is not None:
            self._home.unlock()

    async def _answer(self, asked: Asked) -> Any:
        while not self._requests.has_room():
            await self._news.wait()
            self._check()
        self._submit(asked)
        return await asyncio.shield(asked.answer)

    def _submit(self, asked: Asked, again: bool = False) -> None:
        self._requests.submit(asked.body, asked, again=again)
        self._keep_soon(asked)
        self._to_write.set()

    def _take_up(self) -> None:
        """Asks again what an earlier process did not learn the outcome of."""
        if self._home is None or not self._keep_requests:
            return
        with self._home.told("requests.json"):
            found = [Asked.kept(one) for one in self._home.requests()]
        for asked in found:
            self.unfinished.append(asked)
            if asked.is_remembered():
                self._kept.append(asked)
                self._submit(asked, again=True)
            else:
                asked.forgotten()

    def _keep_soon(self, asked: Asked) -> None:
        """Keeps what is not answered, all that changes in one turn of the loop at once."""
        if asked.lasts and not self._is_keeping:
            self._is_keeping = True
            asyncio.get_running_loop().call_soon(self._keep)

    def _keep(self) -> None:
        """Keeps what is not answered, if that changed."""
        self._is_keeping = False
        unanswered = [one for one in self._requests.unanswered() if isinstance(one, Asked) and one.lasts]
        if self._home is None or unanswered == self._kept:
            return
        try:
            self._home.store_requests([one.to_keep() for one in unanswered])
            self._kept = unanswered
        except AdsumError as fault:
            self._fail(fault)

    async def _subscribe(self, presentity: str, every: bool, lifetime: float | None) -> p.Subscribed:
        """Subscribes for a watch, whose next process does it again by itself."""
        named = operation()
        body = p.Subscribe(0, presentity, int(every), milliseconds(lifetime), named)
        what = f"the subscription to {presentity}"
        subscribed: p.Subscribed = await self.request(body, what, named.hex(), lasts=False)
        return subscribed

    async def _due(self, lease: Lease, hurry: asyncio.Event | None = None, link: int | None = None) -> None:
        """Waits until `lease` is to be renewed: in time, or when there is a connection again after a sleep; at once when told.

        Nobody in particular is somebody else on each connection: what it had on the one numbered `link` is gone with it.
        """
        while (left := lease.left()) > 0 and not (hurry is not None and hurry.is_set()):
            if self.identity.is_anonymous and link is not None and self._links != link:
                return
            waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._news.wait())]
            if hurry is not None:
                waits.append(asyncio.ensure_future(hurry.wait()))
            try:
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    def _feed(self, kind: Kind, opening: p.FeedOpen, name: str, from_start: bool = False) -> Feed:
        self._check()
        home, key = self._home, hashlib.sha256(name.encode()).hexdigest()[:16] + " " + name[:80]
        position = home.position(key) if home is not None else Position()
        resume: FeedResume[Any] = FeedResume(kind, position, from_start)

        def save(position: Position) -> None:
            if home is not None:
                home.store_position(key, position)

        feed = Feed(self, resume, lambda cursor: replace(opening, cursor=cursor), save)
        self._feeds.add(feed)
        feed.when_over(lambda: self._feeds.discard(feed))
        return feed

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
            self._fail(unforeseen)

    async def _connect(self) -> None:
        """Connects again and again, until it cannot help."""
        while True:
            try:
                link = await self._reach()
            except Refused as refused:
                if refused.refusal not in (p.RefusalCode.BUSY, p.RefusalCode.GOING_AWAY):
                    return self._fail(refused)
                self._last = refused
                self._back_off.stay_away((refused.retry_after_ms or 0) / 1_000)
            except (ServerKeyChanged, VersionMismatch, NotAuthenticated) as fault:
                return self._fail(fault)
            except AdsumError as fault:
                self._last = fault
            else:
                if self._is_closing:
                    # Until Python 3.12 `asyncio.wait_for` loses a cancellation that comes with its result.
                    return await link.close(p.CloseCode.NO_ERROR, "done")
                began = asyncio.get_running_loop().time()
                self._last = await self._serve(link)
                self._back_off.lost_after(asyncio.get_running_loop().time() - began)
            await self._rest(self._back_off.next_wait(random.random()))

    async def _reach(self) -> Link:
        """A connection; its server's key is the one for as long as the client lives."""
        identity = self.identity
        if identity.is_anonymous:
            # Each session is of a key of its own, so that none can be told to be of whom another was.
            identity = Identity.anonymous(identity.server, identity.server_key)
        link, server_key = await connect(identity, self._software, self._connect_timeout)
        self.identity = replace(self.identity, server_key=server_key)
        return link

    async def _rest(self, seconds: float) -> None:
        """Waits before the next attempt, but not when the machine slept: the network may be another one."""
        clock, sleeps = asyncio.get_running_loop().time, Sleeps()
        until = clock() + seconds
        while (left := until - clock()) > 0:
            await asyncio.sleep(min(left, TICK_S))
            if sleeps.slept() is not None:
                self._back_off = BackOff()
                return

    async def _serve(self, link: Link) -> AdsumError:
        """Uses one connection to its end; why it ended."""
        if self.identity.is_anonymous:
            self._give_up_messages()
        self._requests.connected()
        self._is_synced = link.welcome.durability == p.WelcomeDurability.SYNCED
        self._links += 1
        link.number = self._links
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
            for asked in self._requests.abandon_written():
                self._end(asked, ended)
        return ended or why or ConnectionLost("the server goes away")

    def _give_up_messages(self) -> None:
        """What an anonymous session sent and was not answered would be another message on the next connection."""
        for asked in self._requests.unanswered():
            if isinstance(asked, Asked) and isinstance(asked.body, p.Send) and self._requests.is_written(asked):
                self._requests.withdraw(asked)
                self._end(asked, OutcomeUnknown(asked.what, ""))

    async def _write(self, link: Link) -> None:
        while not link.leaving:
            self._to_write.clear()
            # Nothing leaves before it is kept.
            self._keep()
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
        asked, result = resolved
        assert isinstance(asked, Asked)
        self._keep_soon(asked)
        self._news.tell()
        if isinstance(result, int) and refused is not None:
            self._end(asked, Refused.of(refused))
        elif not asked.answer.done():
            asked.answer.set_result(result)

    def _end(self, asked: object, fault: AdsumError) -> None:
        """There is no answer."""
        assert isinstance(asked, Asked)
        if not asked.answer.done():
            asked.answer.set_exception(fault)

    async def _live(self, link: Link) -> None:
        """Shows that the connection lives, until it does not."""
        loop, sleeps = asyncio.get_running_loop(), Sleeps()
        bound = self._answer_timeout or ANSWER_S
        tick = min(TICK_S, self._keep_alive, bound / 4)
        while not await _at_most(link.quic.over.wait(), tick):
            if (slept := sleeps.slept()) is not None:
                # The server may have given this device up, and the network be another one.
                self._back_off = BackOff()
                raise ConnectionLost(f"this machine slept for {slept:.0f} s")
            if (silent := link.quic.silent_for()) > bound:
                raise ConnectionLost(f"no answer to anything for {silent:.1f} s")
            if loop.time() - link.quic.spoke >= self._keep_alive:
                link.quic.ping()
        raise link.quic.end or ConnectionLost("the connection is gone")

    def _fail(self, fault: AdsumError) -> None:
        """Nothing can be asked any more."""
        if self._fault is not None:
            return
        self._fault = fault
        for asked in self._requests.unanswered():
            assert isinstance(asked, Asked)
            if self._requests.is_written(asked):
                # It stays for the next process.
                self._end(asked, OutcomeUnknown(asked.what, asked.id))
            else:
                self._requests.withdraw(asked)
                self._end(asked, fault)
        self._keep()
        self._news.tell()


#: Kinds that may come as an answer to a question.
ANSWERS = tuple(kind for kind in p.KINDS.values() if kind.KIND >= 0x0100)


async def _at_most(wait: Any, seconds: float) -> bool:
    """Whether what is waited for came in time."""
    try:
        await asyncio.wait_for(wait, seconds)
    except asyncio.TimeoutError:
        return False
    return True
