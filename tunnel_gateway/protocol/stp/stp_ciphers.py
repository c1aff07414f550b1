"""The cipher of one direction, from the shared key and the params of the direction's sender."""

from __future__ import annotations

from typing import Final

from tunnel_gateway.gost import streams
from tunnel_gateway.gost.streams import ParamSet, Stream
from tunnel_gateway.protocol.stp.stp_constants import IV_OF_CIPHER, Table
from tunnel_gateway.protocol.stp.stp_messages import Params

PARAM_SETS: Final = {
    Table.E_TEST: ParamSet.TEST,
    Table.E_A: ParamSet.CRYPTOPRO_A,
    Table.E_B: ParamSet.CRYPTOPRO_B,
    Table.E_C: ParamSet.CRYPTOPRO_C,
    Table.E_D: ParamSet.CRYPTOPRO_D,
    Table.D_TEST: ParamSet.DIGEST_TEST,
    Table.D_A: ParamSet.DIGEST,
}


def new_stream(key: bytes, params: Params) -> Stream:
    """Return the stream at its beginning; ``key`` has 32 bytes, and 8 of the IV's enter it."""
    mode = streams.Mode[params.mode.name]
    return Stream(PARAM_SETS[params.table], mode, key, params.iv[:IV_OF_CIPHER])
