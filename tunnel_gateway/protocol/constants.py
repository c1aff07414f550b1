"""Numbers of the protocol: first what the specification fixes, then limits of our own."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

# --- fixed by docs/protocol.md -------------------------------------------------------------

MAGIC: Final = b"EIMZ"
VERSION: Final = 1
SUITE: Final = 0x0001  # VKO and GOST R 34.10-2001, GOST R 34.11-94, Magma in MGM

RANDOM_SIZE: Final = 32
KEY_SHARE_SIZE: Final = 64
SIGNATURE_SIZE: Final = 64
FINISHED_SIZE: Final = 32
TUNNEL_ID_SIZE: Final = 16

HEADER_SIZE: Final = 3
TAG_SIZE: Final = 8
MAX_PAYLOAD: Final = 2**14
MAX_PROTECTED_FRAGMENT: Final = 1 + MAX_PAYLOAD + TAG_SIZE
MAX_HELLO: Final = 1024
MAX_ALERT: Final = 2 + 255
MAX_CERTIFICATES: Final = 8
MAX_DST_ID: Final = 255
RECORDS_PER_KEY: Final = 256

LABEL_PREFIX: Final = b"eimzo1 "
SERVER_SIGNATURE_LABEL: Final = b"E-IMZO tunnel v1, server"
CLIENT_SIGNATURE_LABEL: Final = b"E-IMZO tunnel v1, client"


class RecordType(IntEnum):
    """The first byte of a record."""

    HELLO = 1
    PROTECTED = 2
    ALERT = 3


class ContentType(IntEnum):
    """The first byte inside a protected record."""

    HANDSHAKE = 1
    DATA = 2
    CLOSE = 3
    ALERT = 4


# --- our own choices -----------------------------------------------------------------------

# Signature, key generation and random value of one handshake; see Connection.
ENTROPY_PER_SIGNATURE: Final = 32
