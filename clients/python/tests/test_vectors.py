"""What `docs/vectors.json` says a server does about wrong bytes, tried at a real one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import adsum
import pytest
from adsum import protocol as p
from adsum.connection import Link, Quic, Stream, connect, shake_hands
from conftest import PATIENCE_S, Server

VECTORS: dict[str, Any] = json.loads((Path(__file__).resolve().parents[3] / "docs" / "vectors.json").read_text())
TO_SERVER = [vector for vector in VECTORS["wrong"] if vector["to"] == "server"]
STATES = {"stream": b"", "query": bytes([p.STREAM_QUERY]), "feed": bytes([p.STREAM_FEED])}


async def closed(quic: Quic, code: int) -> None:
    """The connection is closed with this code."""
    await asyncio.wait_for(quic.over.wait(), PATIENCE_S)
    assert p.CloseCode(code).word in str(quic.end), quic.end


async def answered(stream: Stream, expect: dict[str, int], number: int) -> None:
    """The stream is reset with a code, or a refusal comes on it."""
    if "reset" in expect:
        with pytest.raises(adsum.StreamEnded) as ended:
            while True:
                await stream.next()
        assert ended.value.reset == expect["reset"]
        return
    refused = await stream.next()
    assert isinstance(refused, p.Refused), refused
    assert (refused.request, refused.code) == (number, expect["refused"])


async def tried(identity: adsum.Identity, vector: dict[str, Any]) -> None:
    """Sends the bytes of a vector where it says, and looks at what comes of it."""
    state, expect, data = vector["state"], vector["expect"], bytes.fromhex(vector["bytes"])
    if state == "hello":
        quic = await shake_hands(identity.server, PATIENCE_S)
        quic.open().write_bytes(bytes([p.STREAM_CONTROL]) + data, end=True)
        await closed(quic, expect["close"])
        quic.abandon()
        return
    link, _ = await connect(identity, "vectors", PATIENCE_S)
    stream, number = link.control, 77
    if state == "control":
        stream.write_bytes(data)
    elif state == "fed":
        stream, number = link.open(), 0
        stream.write(p.FeedOpen(p.FeedOpenKind.PRESENCE), first=bytes([p.STREAM_FEED]))
        await stream.expect(p.FeedReady)
        stream.write_bytes(data)
    else:
        stream, number = link.open(), 0
        stream.write_bytes(STATES[state] + data, end=state != "feed")
    if "close" in expect:
        await closed(link.quic, expect["close"])
    elif "skipped" in expect:
        await skipped(link, stream, state)
    else:
        await answered(stream, expect, number)
    await link.close()


async def skipped(link: Link, stream: Stream, state: str) -> None:
    """The stream goes on as if nothing had come."""
    if state == "control":
        stream.write(p.Unsubscribe(78, "pres:nobody@example.com"))
        assert (await stream.next()).request == 78  # type: ignore[union-attr]
    else:
        stream.write_bytes(b"", end=True)
        while not isinstance(await stream.next(), p.FeedEnd):
            pass


@pytest.mark.asyncio
async def test_a_server_does_about_wrong_bytes_what_the_vectors_say(server: Server) -> None:
    assert len(TO_SERVER) > 50
    identity = await server.enroll("bob")
    for vector in TO_SERVER:
        try:
            await asyncio.wait_for(tried(identity, vector), PATIENCE_S)
        except BaseException as error:
            raise AssertionError(f"{vector['state']}: {vector['name']}") from error
