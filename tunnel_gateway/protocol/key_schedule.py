"""Transcript, secrets and traffic keys (the schedule of RFC 8446, section 7.1).

::

    0 ─► Extract ◄─ VKO shared secret
           = handshake secret ─► Derive("c hs" | "s hs", hello … hello)
           │ Derive("derived", "")
    Extract ◄─ 0
           = master secret ─► Derive("c ap" | "s ap", hello … server finished)
                           └► Derive("exp", hello … client finished)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tunnel_gateway.gost.digest import DIGEST_SIZE, Digest, digest, hkdf_expand, hkdf_extract, hmac
from tunnel_gateway.protocol.constants import LABEL_PREFIX, TUNNEL_ID_SIZE

_ZEROS = bytes(DIGEST_SIZE)


class Transcript:
    """The messages of a handshake so far, as a running digest."""

    __slots__ = ("_digest",)

    def __init__(self) -> None:
        self._digest = Digest()

    def add(self, body: bytes) -> None:
        """Add a message's body, or the next part of one."""
        self._digest.update(body)

    def hash(self) -> bytes:
        """Return the 32-byte transcript hash up to here."""
        return self._digest.digest()


def expand_label(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446, section 7.1, with the prefix ``eimzo1``."""
    full = LABEL_PREFIX + label
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + bytes((len(context),)) + context
    return hkdf_expand(secret, info, length)


def derive_secret(secret: bytes, label: bytes, transcript_hash: bytes) -> bytes:
    """Derive-Secret of RFC 8446, section 7.1: 32 bytes."""
    return expand_label(secret, label, transcript_hash, DIGEST_SIZE)


@dataclass(frozen=True, slots=True)
class TrafficSecrets:
    """The two directions' secrets of one stage, 32 bytes each."""

    client: bytes = field(repr=False)
    server: bytes = field(repr=False)


def user_keying_material(client_random: bytes, server_random: bytes) -> int:
    """Return the UKM of VKO: 64 bits of the hash of both randoms, and never zero."""
    return int.from_bytes(digest(client_random + server_random)[:8], "little") or 1


def finished_value(traffic_secret: bytes, transcript_hash: bytes) -> bytes:
    """Return the 32-byte finished value of the side whose handshake secret is given."""
    return hmac(expand_label(traffic_secret, b"finished", b"", DIGEST_SIZE), transcript_hash)


class KeySchedule:
    """The secrets of one handshake, from the shared secret of VKO on."""

    __slots__ = ("_handshake", "_master")

    def __init__(self, shared_secret: bytes) -> None:
        self._handshake = hkdf_extract(_ZEROS, shared_secret)
        derived = derive_secret(self._handshake, b"derived", digest(b""))
        self._master = hkdf_extract(derived, _ZEROS)

    def handshake_secrets(self, transcript_hash: bytes) -> TrafficSecrets:
        """Return the secrets for messages 3 and 4, from the hash up to both hellos."""
        return TrafficSecrets(
            derive_secret(self._handshake, b"c hs", transcript_hash),
            derive_secret(self._handshake, b"s hs", transcript_hash),
        )

    def application_secrets(self, transcript_hash: bytes) -> TrafficSecrets:
        """Return the secrets for all that follows, from the hash up to message 3."""
        return TrafficSecrets(
            derive_secret(self._master, b"c ap", transcript_hash),
            derive_secret(self._master, b"s ap", transcript_hash),
        )

    def tunnel_id(self, transcript_hash: bytes) -> bytes:
        """Return the 16 bytes that name the tunnel on both sides, from the whole handshake."""
        exporter = derive_secret(self._master, b"exp", transcript_hash)
        return expand_label(exporter, b"tunnel id", b"", TUNNEL_ID_SIZE)
