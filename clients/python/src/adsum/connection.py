"""One QUIC connection to a server: handshake, pinned key, proof, streams of frames, and how it ends.

aioquic passes stateless resets over; they are found here, so that a killed server is noticed at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import ssl
from collections.abc import Iterable
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import codec
from .errors import (
    AdsumError,
    ConnectionLost,
    NotAuthenticated,
    ProtocolViolation,
    Refused,
    ServerKeyChanged,
    StreamEnded,
    Unreachable,
    VersionMismatch,
    printable,
)
from .identity import Identity, server_address
from .protocol import (
    ALPN,
    CHALLENGE_CONTEXT,
    HELLO_MS_MAX,
    IDLE_MS_MAX,
    IGNORABLE_KIND_MIN,
    STREAM_CONTROL,
    VERSION,
    Body,
    Challenge,
    ChallengeAnswer,
    CloseCode,
    Enroll,
    Hello,
    RefusalCode,
    ResetCode,
    Welcome,
)
from .protocol import Refused as RefusedBody

#: What a client calls itself unless it is told otherwise.
SOFTWARE = "adsum-python/0.1.0"
#: TLS alert 120, `no_application_protocol`, as QUIC carries it.
NO_APPLICATION_PROTOCOL = 0x178
#: How long to wait for the code of a connection whose CONTROL has ended.
LAST_WORDS_S = 2.0
RESET_TOKEN_BYTES = 16
RESET_BYTES_MIN = 21


class Stream:
    """A stream with both halves: bytes out, bodies in."""

    def __init__(self, quic: Quic, number: int) -> None:
        self._quic = quic
        self._number = number
        self._cutter = codec.Cutter()
        self._end: AdsumError | None = None
        self._news = asyncio.Event()

    def write(self, *bodies: Body, first: bytes = b"", end: bool = False) -> None:
        """Writes the frames of these bodies together."""
        self.write_bytes(first + b"".join(codec.encode(body) for body in bodies), end)

    def write_bytes(self, data: bytes, end: bool = False) -> None:
        """Writes bytes. A server that does not want them says so when it is read."""
        try:
            self._quic.send(self._number, data, end)
        except AssertionError:
            # The server stopped it.
            return

    def cancel(self) -> None:
        """Gives the stream up in both directions."""
        self._quic.cancel(self._number)

    async def next(self) -> Body:
        """The next body that is not to be skipped."""
        while True:
            self._news.clear()
            try:
                body = self._cutter.next_body()
            except codec.Malformed as error:
                raise ProtocolViolation(f"the server broke the protocol: {error}") from error
            if body is not None:
                return body
            if self._end is not None:
                raise self._judged(self._end)
            await self._news.wait()

    async def expect(self, *kinds: type) -> Any:
        """The next body of one of these kinds; others than those that may be skipped must not come, but a refusal."""
        body = await self.next()
        while body.KIND >= IGNORABLE_KIND_MIN and not isinstance(body, kinds):
            body = await self.next()
        if isinstance(body, RefusedBody):
            raise Refused.of(body)
        if not isinstance(body, kinds):
            raise ProtocolViolation(f"the server broke the protocol: a {type(body).__name__} came where it may not")
        return body

    def _judged(self, end: AdsumError) -> AdsumError:
        """An end within a frame is damage; one by a reset, or of the connection, may come anywhere."""
        if self._cutter.buffer and isinstance(end, StreamEnded) and end.reset is None:
            return ProtocolViolation("the server broke the protocol: it ended a stream within a frame")
        return end

    def took(self, data: bytes) -> None:
        """Bytes arrived."""
        self._cutter.push(data)
        self._news.set()

    def ended(self, error: AdsumError) -> None:
        """Nothing follows."""
        self._end = self._end or error
        self._news.set()


class Quic(QuicConnectionProtocol):
    """The protocol of aioquic, with streams of frames and an eye for stateless resets."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self.streams: dict[int, Stream] = {}
        #: Why the connection is over.
        self.end: AdsumError | None = None
        self.over = asyncio.Event()
        self.shaken = asyncio.Event()
        #: When something was sent last, and since when what was sent is unanswered, by the clock of the loop.
        self.spoke = self._loop.time()
        self._asked: float | None = None

    def open(self) -> Stream:
        """A new stream."""
        number = self._quic.get_next_available_stream_id()
        stream = Stream(self, number)
        self.streams[number] = stream
        if self.end is not None:
            stream.ended(self.end)
        return stream

    def send(self, number: int, data: bytes, end: bool) -> None:
        """Writes to a stream."""
        self._quic.send_stream_data(number, data, end)
        self._speaks()
        self._transmit_soon()

    def cancel(self, number: int) -> None:
        """Gives a stream up."""
        if self.end is None:
            for give_up in (self._quic.reset_stream, self._quic.stop_stream):
                try:
                    give_up(number, ResetCode.CANCELLED)
                except (AssertionError, ValueError):
                    # That half is over already.
                    continue
            self._transmit_soon()
        self.streams.pop(number, None)

    def ping(self) -> None:  # type: ignore[override]
        """Shows that the connection lives."""
        self._quic.send_ping(0)
        self._speaks()
        self.transmit()

    def _speaks(self) -> None:
        self.spoke = self._loop.time()
        if self._asked is None:
            self._asked = self.spoke

    def silent_for(self) -> float:
        """For how long nothing at all came although something was sent, in seconds."""
        return 0.0 if self._asked is None else self._loop.time() - self._asked

    def finish(self, code: int, reason: str) -> None:
        """Closes the connection from this side."""
        self.close(code, reason)
        self.lost(ConnectionLost("this client closed the connection"))

    def lost(self, error: AdsumError) -> None:
        """The connection is over."""
        if self.end is not None:
            return
        self.end = error
        for stream in self.streams.values():
            stream.ended(error)
        self.over.set()
        self.shaken.set()

    def server_key(self) -> bytes:
        """SHA-256 of the key that the server proved to have."""
        certificate = self._quic.tls._peer_certificate
        if certificate is None:
            raise ProtocolViolation("the server showed no certificate")
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).digest()

    def reset_tokens(self) -> Iterable[bytes]:
        """What a datagram of a server that forgot this connection ends with."""
        ids = [self._quic._peer_cid, *self._quic._peer_cid_available]
        return [one.stateless_reset_token for one in ids if one.stateless_reset_token]

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        """Looks for a stateless reset (RFC 9000, 10.3.1), which aioquic would drop."""
        tail = bytes(data[-RESET_TOKEN_BYTES:])  # type: ignore[arg-type]
        if len(data) >= RESET_BYTES_MIN and any(hmac.compare_digest(tail, one) for one in self.reset_tokens()):
            self.lost(ConnectionLost("the server was restarted"))
            return
        self._asked = None
        super().datagram_received(data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.lost(ConnectionLost("the socket was closed"))

    def abandon(self) -> None:
        """Leaves no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.close()

    def quic_event_received(self, event: events.QuicEvent) -> None:
        """Hands on what aioquic tells."""
        if isinstance(event, events.StreamDataReceived):
            stream = self.streams.get(event.stream_id)
            if stream is not None:
                stream.took(event.data)
                if event.end_stream:
                    stream.ended(StreamEnded(None))
        elif isinstance(event, events.StreamReset):
            stream = self.streams.get(event.stream_id)
            if stream is not None:
                stream.ended(StreamEnded(event.error_code))
        elif isinstance(event, events.HandshakeCompleted):
            self.shaken.set()
        elif isinstance(event, events.ConnectionTerminated):
            self.lost(ended(event))


def ended(event: events.ConnectionTerminated) -> AdsumError:
    """Why a connection ended, in the words of this package."""
    said = printable(event.reason_phrase)
    if event.frame_type is not None:
        if event.error_code == NO_APPLICATION_PROTOCOL:
            return VersionMismatch("the server does not speak adsum/1; use a matching client")
        return ConnectionLost(f"the connection was lost: {said or hex(event.error_code)}")
    known = event.error_code in CloseCode._value2member_map_
    word = CloseCode(event.error_code).word if known else hex(event.error_code)
    reason = f"{said} ({word})" if said else word
    if event.error_code in (CloseCode.AUTH_FAILED, CloseCode.AUTH_EXPIRED):
        return NotAuthenticated(f"the server does not accept this device: {reason}; enrol it again with an invite")
    if event.error_code in (CloseCode.PROTOCOL_VIOLATION, CloseCode.FRAME_TOO_LARGE, CloseCode.UNSUPPORTED_FEATURE):
        return ProtocolViolation(f"the server says that this client broke the protocol: {reason}")
    return ConnectionLost(f"closed by the server: {reason}")


class Link:
    """A connection that may act."""

    def __init__(self, quic: Quic, control: Stream, welcome: Welcome) -> None:
        #: Counts the connections of a client from 1.
        self.number = 0
        self.quic = quic
        self.control = control
        self.welcome = welcome
        #: The server is about to shut down: nothing new is asked of it.
        self.leaving = False

    def open(self) -> Stream:
        """A new stream."""
        return self.quic.open()

    async def why(self) -> AdsumError:
        """Why the connection ended; CONTROL may end a moment before the close tells it."""
        try:
            await asyncio.wait_for(self.quic.over.wait(), LAST_WORDS_S)
        except asyncio.TimeoutError:
            self.quic.finish(CloseCode.PROTOCOL_VIOLATION, "CONTROL ended")
        return self.quic.end or ConnectionLost("CONTROL ended")

    async def close(self, code: int = CloseCode.NO_ERROR, reason: str = "done") -> None:
        """Closes the connection and forgets it."""
        if self.quic.end is None:
            self.quic.finish(code, reason)
            # What was written in the same moment leaves before the socket goes.
            await asyncio.sleep(0)
        self.quic.abandon()


async def shake_hands(server: str, timeout_s: float) -> Quic:
    """A connection on which nothing was said yet, by the first address of the server that answers."""
    host, port = server_address(server)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise Unreachable(f"cannot find {host}: {error}; check the name") from error
    reason = "no answer"
    for family, _, _, _, address in found:
        try:
            return await _shake_hands(host, family, address, timeout_s)
        except (ConnectionLost, OSError) as error:
            reason = str(error)
        except asyncio.TimeoutError:
            reason = f"no answer within {timeout_s:g} s"
    raise Unreachable(f"cannot reach the server at {server}: {reason}; check that it runs and that UDP gets through")


async def _shake_hands(host: str, family: int, address: Any, timeout_s: float) -> Quic:
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=[ALPN],
        # The key is pinned instead; the signature of the handshake is checked all the same.
        verify_mode=ssl.CERT_NONE,
        server_name=host,
        idle_timeout=IDLE_MS_MAX / 1_000,
    )
    loop = asyncio.get_running_loop()
    any_port = ("::", 0) if family == socket.AF_INET6 else ("0.0.0.0", 0)
    _, quic = await loop.create_datagram_endpoint(
        lambda: Quic(QuicConnection(configuration=configuration)), local_addr=any_port, family=family
    )
    try:
        quic.connect(address)
        await asyncio.wait_for(quic.shaken.wait(), timeout_s)
        if quic.end is not None:
            raise quic.end
    except BaseException:
        quic.abandon()
        raise
    return quic


async def connect(
    identity: Identity, software: str, timeout_s: float, enroll: Enroll | None = None
) -> tuple[Link, bytes]:
    """A connection that has proven the identity, and the key that the server showed."""
    quic = await shake_hands(identity.server, timeout_s)
    try:
        server_key = quic.server_key()
        if identity.server_key is not None and not hmac.compare_digest(identity.server_key, server_key):
            raise ServerKeyChanged(identity.server, identity.server_key, server_key)
        link = await asyncio.wait_for(_enter(quic, identity, server_key, software, enroll), HELLO_MS_MAX / 1_000)
    except BaseException as error:
        quic.finish(CloseCode.NO_ERROR, "")
        quic.abandon()
        if isinstance(error, asyncio.TimeoutError):
            raise ConnectionLost("the server did not answer Hello in time") from error
        raise
    return link, server_key


async def _enter(quic: Quic, identity: Identity, server_key: bytes, software: str, enroll: Enroll | None) -> Link:
    control = quic.open()
    key = identity.public_key
    hello = Hello(VERSION, 0, identity.principal, key, 0, b"", enroll, software)
    control.write(hello, first=bytes([STREAM_CONTROL]))
    try:
        challenge = await control.expect(Challenge)
        signed = CHALLENGE_CONTEXT + server_key + challenge.nonce + key + identity.principal.encode()
        control.write(ChallengeAnswer(identity.key.sign(signed)))
        return Link(quic, control, await control.expect(Welcome))
    except Refused as refused:
        if refused.refusal is RefusalCode.VERSION:
            raise VersionMismatch(refused.message) from refused
        raise
    except StreamEnded:
        raise await Link(quic, control, Welcome()).why() from None
