"""The codes that phones sign, with the hashes of gost-engine and libgcrypt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.interop.gost_engine import GostEngine
from tests.interop.libgcrypt import Libgcrypt
from tunnel_gateway.phone.code import make_code

LIBGCRYPT = Libgcrypt()


@given(st.binary(max_size=300))
def test_libgcrypt(content: bytes) -> None:
    assert make_code("0000", "00000000", content).hash == LIBGCRYPT.digest(content)


def test_gost_engine(gost_engine: GostEngine) -> None:
    for content in (b"F8D2181DC6C02EA819B88FF3EF49BE0C", bytes(range(256))):
        hashed = gost_engine("dgst", "-md_gost94", "-binary", data=content)
        assert make_code("0000", "00000000", content).hash == hashed
