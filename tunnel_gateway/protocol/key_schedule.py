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

from tunnel_gateway.gost.cipher import KEY_SIZE, NONCE_SIZE
from tunnel_gateway.gost.digest import DIGEST_SIZE, Digest, digest, hkdf_extract, hmac
from tunnel_gateway.gost.hkdf import Labels
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


# The labels of each call, without their prefix, and the sizes of the outputs.
_DERIVED = Labels(LABEL_PREFIX, (b"derived", DIGEST_SIZE))
_HANDSHAKE = Labels(LABEL_PREFIX, (b"c hs", DIGEST_SIZE), (b"s hs", DIGEST_SIZE))
_APPLICATION = Labels(LABEL_PREFIX, (b"c ap", DIGEST_SIZE), (b"s ap", DIGEST_SIZE))
_EXPORTER = Labels(LABEL_PREFIX, (b"exp", DIGEST_SIZE))
_TUNNEL_ID = Labels(LABEL_PREFIX, (b"tunnel id", TUNNEL_ID_SIZE))
_FINISHED = Labels(LABEL_PREFIX, (b"finished", DIGEST_SIZE))
_TRAFFIC = Labels(LABEL_PREFIX, (b"key", KEY_SIZE), (b"iv", NONCE_SIZE))
_UPDATE = Labels(LABEL_PREFIX, (b"upd", DIGEST_SIZE))
_OF_NOTHING = digest(b"")


def traffic_keys(traffic_secret: bytes) -> tuple[bytes, bytes]:
    """Return the key, 32 bytes, and the IV, 8 bytes, of a 32-byte traffic secret."""
    key, iv = _TRAFFIC.expand(traffic_secret)
    return key, iv


def next_secret(traffic_secret: bytes) -> bytes:
    """Return the 32-byte traffic secret that follows when the keys of this one are spent."""
    (following,) = _UPDATE.expand(traffic_secret)
    return following


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
    (key,) = _FINISHED.expand(traffic_secret)
    return hmac(key, transcript_hash)


class KeySchedule:
    """The secrets of one handshake, from the shared secret of VKO on."""

    __slots__ = ("_handshake", "_master")

    def __init__(self, shared_secret: bytes) -> None:
        self._handshake = hkdf_extract(_ZEROS, shared_secret)
        (derived,) = _DERIVED.expand(self._handshake, _OF_NOTHING)
        self._master = hkdf_extract(derived, _ZEROS)

    def handshake_secrets(self, transcript_hash: bytes) -> TrafficSecrets:
        """Return the secrets for messages 3 and 4, from the hash up to both hellos."""
        return TrafficSecrets(*_HANDSHAKE.expand(self._handshake, transcript_hash))

    def application_secrets(self, transcript_hash: bytes) -> TrafficSecrets:
        """Return the secrets for all that follows, from the hash up to message 3."""
        return TrafficSecrets(*_APPLICATION.expand(self._master, transcript_hash))

    def tunnel_id(self, transcript_hash: bytes) -> bytes:
        """Return the 16 bytes that name the tunnel on both sides, from the whole handshake."""
        (exporter,) = _EXPORTER.expand(self._master, transcript_hash)
        (tunnel_id,) = _TUNNEL_ID.expand(exporter)
        return tunnel_id
