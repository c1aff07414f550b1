"""The protocol once more, from docs/protocol.md alone: slow, flat, for whole sessions at rest.

It shares nothing with ``tunnel_gateway.protocol`` but the digest and the block cipher. The key
agreement is done with the formulas of school, and records with MGM as its RFC writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support import reference_mgm
from tests.support.reference_curve import encode, multiply
from tunnel_gateway.gost.cipher import MagmaMGM
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.gost.digest import digest

# --- HMAC (RFC 2104), HKDF (RFC 5869), labels (RFC 8446) over GOST R 34.11-94 -------------------


def hmac(key: bytes, data: bytes) -> bytes:
    """Keys here are never longer than the block of 32 bytes."""
    padded = key.ljust(32, b"\0")
    inner = digest(bytes(b ^ 0x36 for b in padded) + data)
    return digest(bytes(b ^ 0x5C for b in padded) + inner)


def expand_label(secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """No more than one block is ever needed."""
    assert length <= 32
    name = b"eimzo1 " + label.encode()
    info = bytes([0, length, len(name)]) + name + bytes([len(context)]) + context
    return hmac(secret, info + b"\x01")[:length]


# --- messages -----------------------------------------------------------------------------------


def key_share(d: int) -> bytes:
    """The public key of d on CryptoPro-A."""
    return encode(multiply(CRYPTOPRO_A, d))


def ephemeral(entropy: bytes) -> int:
    """The private key that this project makes of 64 bytes of entropy."""
    return int.from_bytes(entropy, "big") % (CRYPTOPRO_A.n - 1) + 1


def client_hello(random: bytes, share: bytes, server_name: str) -> bytes:
    """Message 1."""
    name = server_name.encode()
    return b"EIMZ" + b"\x01" + b"\x01\x00\x01" + random + share + bytes([len(name)]) + name


def server_hello(random: bytes, share: bytes) -> bytes:
    """Message 2."""
    return b"\x01" + b"\x00\x01" + random + share


def claim(chain: Sequence[bytes], dst_id: str | None) -> bytes:
    """Message 3 or 4 up to the signature."""
    part = bytes([len(chain)])
    for certificate in chain:
        part += len(certificate).to_bytes(2, "big") + certificate
    if dst_id is not None:
        part += bytes([len(dst_id.encode())]) + dst_id.encode()
    return part


def signed_text(side: str, transcript_hash: bytes) -> bytes:
    """What the certificate's key signs the digest of."""
    return 64 * b" " + f"E-IMZO tunnel v1, {side}".encode() + b"\0" + transcript_hash


def user_keying_material(client_random: bytes, server_random: bytes) -> int:
    """The UKM of the key agreement."""
    return int.from_bytes(digest(client_random + server_random)[:8], "little") or 1


def shared_secret(client_d: int, server_d: int, ukm: int) -> bytes:
    """The digest of the point that both private keys lead to."""
    return digest(encode(multiply(CRYPTOPRO_A, client_d * server_d * ukm % CRYPTOPRO_A.n)))


# --- the key schedule ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Messages:
    """What a handshake said: whole hellos, and the two proofs in their parts."""

    client_hello: bytes
    server_hello: bytes
    server_claim: bytes
    server_signature: bytes
    client_claim: bytes
    client_signature: bytes


def schedule(messages: Messages, secret: bytes) -> dict[str, bytes]:
    """Every value of the handshake by the name that the specification gives it."""
    zeros = bytes(32)
    hellos = messages.client_hello + messages.server_hello
    server_claimed = hellos + messages.server_claim
    server_signed = server_claimed + messages.server_signature

    handshake = hmac(zeros, secret)
    derived = expand_label(handshake, "derived", digest(b""), 32)
    master = hmac(derived, zeros)
    client_handshake = expand_label(handshake, "c hs", digest(hellos), 32)
    server_handshake = expand_label(handshake, "s hs", digest(hellos), 32)
    client_finished_key = expand_label(client_handshake, "finished", b"", 32)
    server_finished_key = expand_label(server_handshake, "finished", b"", 32)

    server_finished = hmac(server_finished_key, digest(server_signed))
    server_done = server_signed + server_finished
    client_claimed = server_done + messages.client_claim
    client_signed = client_claimed + messages.client_signature
    client_finished = hmac(client_finished_key, digest(client_signed))
    whole = client_signed + client_finished
    exporter = expand_label(master, "exp", digest(whole), 32)
    return {
        "hash of both hellos": digest(hellos),
        "hash up to the server's chain": digest(server_claimed),
        "hash up to the server's signature": digest(server_signed),
        "hash up to the server's finished": digest(server_done),
        "hash up to the client's dst_id": digest(client_claimed),
        "hash up to the client's signature": digest(client_signed),
        "hash of the whole handshake": digest(whole),
        "shared secret": secret,
        "handshake secret": handshake,
        "derived": derived,
        "master secret": master,
        "c hs": client_handshake,
        "s hs": server_handshake,
        "client finished key": client_finished_key,
        "server finished key": server_finished_key,
        "server finished": server_finished,
        "client finished": client_finished,
        "c ap": expand_label(master, "c ap", digest(server_done), 32),
        "s ap": expand_label(master, "s ap", digest(server_done), 32),
        "exp": exporter,
        "tunnel id": expand_label(exporter, "tunnel id", b"", 16),
    }


# --- records ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """The key and the IV (top bit clear) that follow from a traffic secret."""

    key: bytes
    iv: bytes


def keys(traffic_secret: bytes) -> Keys:
    """What protects the first 256 records under a traffic secret."""
    iv = bytearray(expand_label(traffic_secret, "iv", b"", 8))
    iv[0] &= 0x7F
    return Keys(expand_label(traffic_secret, "key", b"", 32), bytes(iv))


def update(traffic_secret: bytes) -> bytes:
    """The traffic secret of the 256 records after that."""
    return expand_label(traffic_secret, "upd", b"", 32)


def nonce(iv: bytes, number: int) -> bytes:
    """The nonce of the record that is ``number`` under its key."""
    return bytes(a ^ b for a, b in zip(iv, number.to_bytes(8, "big"), strict=True))


def clear_record(number: int, body: bytes) -> bytes:
    """A hello (1) or an alert (3)."""
    return bytes([number]) + len(body).to_bytes(2, "big") + body


def protected_record(traffic_secret: bytes, index: int, content: int, payload: bytes) -> bytes:
    """The record that is ``index`` under ``traffic_secret`` and its updates."""
    for _ in range(index // 256):
        traffic_secret = update(traffic_secret)
    used = keys(traffic_secret)
    head = b"\x02" + (1 + len(payload) + 8).to_bytes(2, "big")
    plaintext = bytes([content]) + payload
    magma = MagmaMGM(used.key).encrypt_block
    return head + reference_mgm.seal(magma, nonce(used.iv, index % 256), plaintext, head)


def alert(code: int, text: str) -> bytes:
    """The body of an alert."""
    return bytes([code, len(text)]) + text.encode()
