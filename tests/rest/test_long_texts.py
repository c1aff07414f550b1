"""Long texts are taken out of JSON, and nothing else is changed."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunnel_gateway.rest.long_texts import LONG, take_out


def put_back(short: bytes, texts: dict[str, memoryview]) -> bytes:
    for name, text in texts.items():
        assert short.count(name.encode()) == 1
        short = short.replace(name.encode(), bytes(text))
    return short


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([0, 3, LONG - 1, LONG, 2 * LONG, 5 * LONG]), max_size=5),
    st.sampled_from([None, 2]),
)
def test_each_long_text_and_nothing_else(sizes: list[int], indent: int | None) -> None:
    values = [b64encode(bytes([number]) * size).decode() for number, size in enumerate(sizes)]
    body = {"documents": [{"pkcs7": value} for value in values]}
    data = json.dumps(body, indent=indent).encode()
    short, texts = take_out(data)
    assert put_back(short, texts) == data
    taken = {str(text, "ascii") for text in texts.values()}
    assert {value for value in values if len(value) >= 2 * LONG} <= taken <= set(values)
    documents = json.loads(short)["documents"]
    shown = [str(texts.get(one["pkcs7"], one["pkcs7"].encode()), "ascii") for one in documents]
    assert shown == values


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"A" * (3 * LONG),
        b'"' + b"A" * (3 * LONG),
        b'{"pkcs7": "' + b"A\\/" * LONG + b'"}',
        b'{"pkcs7":' + b" " * (3 * LONG) + b'"MIAG"}',
        b'{"pkcs7": "' + b" " * (3 * LONG) + b'"}',
        json.dumps({"pkcs7": "A" * (3 * LONG)}).encode("utf-16"),
    ],
    ids=["nothing", "no quote", "one quote", "escapes", "blanks between", "blanks", "UTF-16"],
)
def test_the_rest_is_left_to_json(data: bytes) -> None:
    assert take_out(data) == (data, {})
