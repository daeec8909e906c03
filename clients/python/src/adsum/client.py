"""What an application asks of a client, and what it gets."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from . import protocol as p
from .asked import Asked
from .connection import SOFTWARE, Link
from .errors import Closed, Invalid
from .feeds import Feed
from .identity import Home, Identity, invite_id, new_token, read_token, write_token
from .items import COMPOSING, TEXT, Composing, Receipts, Sent, Shown, milliseconds, operation, rule
from .keeper import ANSWER_S, Keeper, Patience
from .publication import Publication
from .resume import FeedResume, Kind, Position
from .streams import Inbox, Watch

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
        patience = Patience(answer_timeout, connect_timeout, keep_alive)
        self._keeper = Keeper(found, self._home if keep_requests else None, patience, software)
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
        if self._keeper.is_open():
            raise Invalid("a client is opened once; make a new one")
        if self._home is not None:
            self._home.lock()
        try:
            self._keeper.begin()
        except BaseException:
            self._unlock()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends watches and inboxes and closes the connection. Publications and subscriptions live until their lifetimes are over.

        Whoever waits for an answer is told `OutcomeUnknown` if the request was sent, else `Closed`.
        """
        self._keeper.closes()
        for publication in list(self._publications):
            publication.forget()
        for feed in list(self._feeds):
            await feed.close()
        await self._keeper.close(Closed("the client was closed; open a new one"))
        self._unlock()

    @property
    def identity(self) -> Identity:
        """Who it is, with the key of the server once that was seen."""
        return self._keeper.identity

    @property
    def unfinished(self) -> list[Asked]:
        """What an earlier process asked and did not learn the outcome of: it is asked again, before anything else."""
        return self._keeper.outbox.unfinished

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
        publication = Publication(self._keeper, body, published)
        self._publications.add(publication)
        publication.when_over(lambda: self._publications.discard(publication))
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
        return Watch(self._keeper, lambda: self._feed(Kind.PRESENCE, opening, name), presentities, every, lifetime)

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
        return Sent(named, answer.duplicate, self._keeper.is_synced)

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

    async def erase(self, principal: str) -> str:
        """Erases a principal for good: oneself, or as an administrator somebody of one's domain. Its certificate, a line of JSON.

        Whoever erases itself and loses the answer is refused as `erased` when it comes back.
        """
        body = p.Erase(0, principal)
        certificate: str = (await self.request(body, f"the erasure of {principal}")).certificate
        return certificate

    async def request(self, body: Any, what: str = "the request", id: str = "", *, lasts: bool = True) -> Any:
        """Any request of CONTROL and its answer; repeated over lost connections until the time is up.

        `what` and `id` are for `OutcomeUnknown`, if no answer comes in time. What `lasts` is kept in the folder until it is
        answered, so that a later process asks it again if this one is killed.
        """
        return await self._keeper.request(body, what, id, lasts=lasts)

    async def ask(self, question: Any) -> list[Any]:
        """Any question and its rows without `End`; asked again when a connection is lost, until the time is up."""
        return await self._keeper.ask(question)

    async def linked(self) -> Link:
        """The connection, when there is one."""
        return await self._keeper.linked()

    # How it is done.

    def _principal(self) -> str:
        if self.identity.is_anonymous:
            raise Invalid("an anonymous session has neither presence nor an inbox; name whose is meant")
        return self.identity.principal

    def _unlock(self) -> None:
        if self._home is not None:
            self._home.unlock()

    def _feed(self, kind: Kind, opening: p.FeedOpen, name: str, from_start: bool = False) -> Feed:
        self._keeper.check()
        home, key = self._home, hashlib.sha256(name.encode()).hexdigest()[:16] + " " + name[:80]
        position = home.position(key) if home is not None else Position()
        resume: FeedResume[Any] = FeedResume(kind, position, from_start)

        def save(position: Position) -> None:
            if home is not None:
                home.store_position(key, position)

        feed = Feed(self._keeper, resume, lambda cursor: replace(opening, cursor=cursor), save)
        self._feeds.add(feed)
        feed.when_over(lambda: self._feeds.discard(feed))
        return feed
