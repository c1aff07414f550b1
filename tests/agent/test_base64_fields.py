"""BASE64 among the arguments of a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.agent.base64_fields import from_base64, to_base64
from tunnel_gateway.errors import CallRefusedError


@given(st.binary(max_size=64))
def test_there_and_back(data: bytes) -> None:
    assert from_base64(to_base64(data), 64) == data
    assert from_base64(to_base64(memoryview(data)), 64) == data


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("YQ=", "not_base64"),
        ("é", "not_base64"),
        ("YQ\n=", "not_base64"),
        ("YWFhYQ==", "too_large"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    with pytest.raises(CallRefusedError) as caught:
        from_base64(text, 3)
    assert caught.value.name == code
