"""The numbers that must fit together, and the choices that must hold."""

from __future__ import annotations

from tunnel_gateway.protocol.stp import stp_constants as constants
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, Mode, Table


def test_numbers_of_the_wire() -> None:
    assert [mode.name for mode in Mode] == ["CFB", "OFB", "SIC", "GOFB", "GCFB"]
    assert [*Mode] == [0, 1, 2, 3, 4]
    assert [*Table] == [0, 1, 2, 3, 4, 5, 6]


def test_no_keystream_that_can_be_had_again_by_default() -> None:
    assert Mode.SIC not in DEFAULT_MODES
    assert Mode.OFB not in DEFAULT_MODES
    assert constants.OWN_MODE in DEFAULT_MODES
    assert constants.OWN_MODE is Mode.GCFB
    assert constants.OWN_TABLE in (Table.E_A, Table.E_B, Table.E_C, Table.E_D)


def test_we_send_what_we_would_take() -> None:
    assert constants.MAX_SENT_PAYLOAD == constants.MAX_CLIENT_BLOCKS * constants.BLOCK_SIZE
    assert constants.MAX_SERVER_BLOCKS * 8 + 7 < 2**31
    # A handshake with each byte in a frame of its own, and as many empty ones.
    assert constants.MAX_HANDSHAKE_FRAMES > 2 * (1 + 64 + 2 + 255)
