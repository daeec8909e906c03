"""The codec does what `docs/vectors.json` says, and the generated module is what the schema makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from adsum import codec, protocol, read_token, write_token
from adsum._blake3 import derive_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent.parent.parent / "docs"
VECTORS: dict[str, Any] = json.loads((DOCS / "vectors.json").read_text())
CLOSE = {"close": protocol.CloseCode.PROTOCOL_VIOLATION}


def test_the_generated_module_is_what_the_schema_makes() -> None:
    sys.path.insert(0, str(HERE.parent / "tools"))
    import generate  # noqa: PLC0415

    made = generate.generate(json.loads(generate.SCHEMA.read_text()))
    assert generate.TARGET.read_text() == made, "run python tools/generate.py"


def shaped(value: Any) -> Any:
    """A value as the vectors write it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [shaped(one) for one in value]
    if hasattr(value, "FIELDS"):
        return {name.rstrip("_"): shaped(getattr(value, name)) for name, _ in value.FIELDS}
    return value


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["name"])
def test_every_frame_reads_and_writes_as_its_vector_says(vector: dict[str, Any]) -> None:
    cutter = codec.Cutter()
    cutter.push(bytes.fromhex(vector["frame"]))
    body = cutter.next_body()
    assert body is not None
    assert type(body).__name__ == vector["body"]
    assert shaped(body) == vector["value"]
    assert [shaped(one) for one in codec.additions(body)] == vector["ext"]
    assert codec.encode(body).hex() == vector["frame"]


@pytest.mark.parametrize("vector", VECTORS["varints"], ids=lambda vector: vector["hex"])
def test_every_number_reads_as_its_vector_says(vector: dict[str, Any]) -> None:
    reader = codec.Reader(bytes.fromhex(vector["hex"]))
    if vector["is"] == "wrong":
        with pytest.raises(codec.Malformed):
            reader.number(vector["type"])
            assert reader.is_done()
            raise codec.Malformed
        return
    value = int(vector["value"])
    assert reader.number(vector["type"]) == value
    assert reader.is_done()
    out = bytearray()
    codec.write_number(value, out)
    assert (out.hex() == vector["hex"]) == (vector["is"] == "shortest")


TO_CLIENT = [vector for vector in VECTORS["wrong"] if vector["to"] == "client" and vector["state"] == "control"]


@pytest.mark.parametrize("vector", TO_CLIENT, ids=lambda vector: vector["name"])
def test_a_client_takes_no_wrong_frame(vector: dict[str, Any]) -> None:
    cutter = codec.Cutter()
    cutter.push(bytes.fromhex(vector["bytes"]))
    if vector["expect"] == CLOSE and "not made" not in vector["name"]:
        with pytest.raises(codec.Malformed):
            cutter.next_body()
    else:
        assert (cutter.next_body() is None) == ("skipped" in vector["expect"])


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: vector["context"][:40])
def test_every_proof_is_signed_as_its_vector_says(vector: dict[str, Any]) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    parts = [bytes.fromhex(vector[name]) for name in ("context", "server_key_hash", "fresh", "key")]
    assert key.sign(b"".join(parts) + vector["principal"].encode()).hex() == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS["names"], ids=lambda vector: vector["what"])
def test_every_name_is_made_as_its_vector_says(vector: dict[str, Any]) -> None:
    context = {"device": "adsum 2026 device id", "invite": "adsum 2026 invite id"}[vector["what"]]
    assert derive_key(context, bytes.fromhex(vector["of"])).hex().startswith(vector["is"])


def test_a_token_is_written_as_the_document_says() -> None:
    written = write_token(bytes([0x70]) * 32)
    assert f"`{written}`" in (DOCS / "PROTOCOL.md").read_text()
    assert read_token(f" {written[:20].upper()}-{written[20:]}\n") == bytes([0x70]) * 32
