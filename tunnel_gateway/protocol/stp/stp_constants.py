"""Numbers of STP: first what the protocol fixes, then limits of our own. See docs/stp.md."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

# --- fixed by the protocol -----------------------------------------------------------------

VERSION: Final = 1
ACCEPTED: Final = 0x00  # the first byte of message 2; any other is a refusal
PROVEN: Final = 0x80  # the first byte of message 5; any other is a refusal
SUCCESS: Final = 0x00  # the code of a finish; any other is a failure
CLIENT_FINISH_TEXT: Final = b"Success"

IV_SIZE: Final = 32
IV_OF_CIPHER: Final = 8  # only these first bytes of it enter the cipher
NONCE_SIZE: Final = 32
PROOF_SIZE: Final = 2 * NONCE_SIZE
MAX_CERTIFICATE: Final = 10_240
MIN_TAIL: Final = 3 + IV_SIZE  # key exchange, table, mode, IV
MAX_TAIL: Final = 255
MAX_FINISH_TEXT: Final = 255

BLOCK_SIZE: Final = 8
HEADER_SIZE: Final = 16


class Table(IntEnum):
    """The S-box of GOST 28147-89: five for encryption, two that RFC 4357 has for digests."""

    E_TEST = 0
    E_A = 1
    E_B = 2
    E_C = 3
    E_D = 4
    D_TEST = 5
    D_A = 6


class Mode(IntEnum):
    """How the block cipher makes a stream."""

    CFB = 0
    OFB = 1
    SIC = 2
    GOFB = 3
    GCFB = 4


# --- our own choices -----------------------------------------------------------------------

# A listener who recorded a tunnel in one of these, and knows some of its data, can make the peer
# use the same keystream again, and so send the proof of message 4 without a key.
REPEATABLE_MODES: Final = frozenset({Mode.OFB, Mode.SIC})
DEFAULT_MODES: Final = frozenset(Mode) - REPEATABLE_MODES
# Our own direction: each 1024 bytes have another key, under a CryptoPro table.
OWN_TABLE: Final = Table.E_A
OWN_MODE: Final = Mode.GCFB

MAX_SENT_PAYLOAD: Final = 4096
# The longest frame of a client, in blocks of eight bytes; E-IMZO sends no longer one.
MAX_CLIENT_BLOCKS: Final = 512
# A gateway's frame may be as long as the client of E-IMZO takes it: below 2^31 bytes.
MAX_SERVER_BLOCKS: Final = 2**28 - 1
# Far more than the frames of a handshake, also of one that sends each byte in its own frame.
MAX_HANDSHAKE_FRAMES: Final = 1024

# Seconds for each step of the other side.
STEP_SECONDS: Final = 10.0
# The client shows a refusal only if the connection stays open for more than a second after it.
HOLD_AFTER_REFUSAL: Final = 1.5
# The client loses its last kilobyte if the connection closes within a second of it.
HOLD_AFTER_DATA: Final = 2.0
