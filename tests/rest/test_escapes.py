from __future__ import annotations

from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.rest.escapes import Escapes, unescaped

# What an escape is made of, what quoted-printable text has, and what neither has.
LETTERS = st.lists(st.sampled_from(b"%=0aFg+_ \r\n\t\0\xff"), max_size=12).map(bytes)


def is_right(text: bytes) -> bool:
    return all(
        len(piece) >= 2 and all(letter in b"0123456789abcdefABCDEF" for letter in piece[:2])
        for piece in text.split(b"%")[1:]
    )


@given(st.binary(max_size=200), st.booleans())
def test_what_a_library_escapes_is_undone(data: bytes, small: bool) -> None:
    text = quote_from_bytes(data, safe="").encode()
    assert unescaped(text.replace(b"%2F", b"%2f") if small else text) == data
    every = "".join(f"%{byte:02x}" if small else f"%{byte:02X}" for byte in data)
    assert unescaped(every.encode()) == data


@given(LETTERS)
def test_it_is_what_a_library_makes_of_it_or_refused(text: bytes) -> None:
    if is_right(text):
        assert unescaped(text) == unquote_to_bytes(text)
    else:
        with pytest.raises(ValueError, match="two hexadecimal digits"):
            unescaped(text)


@given(LETTERS, st.lists(st.integers(0, 12), max_size=4))
def test_pieces_give_the_same(text: bytes, places: list[int]) -> None:
    ends = sorted({place for place in places if place <= len(text)})
    pieces = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    outcomes: list[bytes | None] = []
    for parts in ([text], pieces):
        escapes = Escapes()
        try:
            decoded = b"".join(map(escapes.decode, parts))
            outcomes.append(decoded + escapes.rest)
        except ValueError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
    if is_right(text):
        assert outcomes[0] == unquote_to_bytes(text)
