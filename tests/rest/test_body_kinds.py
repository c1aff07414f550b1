from __future__ import annotations

import pytest

from tunnel_gateway.rest.body_kinds import BESIDE_BASE64, BESIDE_FORM, LOOK, Head, Kinds


@pytest.mark.parametrize(
    ("text", "more", "kind"),
    [
        (b' {"documentId": "BBF3E8C3"}', BESIDE_FORM, "JSON"),
        (b"[", (), "JSON"),
        (b"<?xml", (), "XML or HTML"),
        (b"data:text/plain,", (), "a data URL"),
        (b"--b\r\nContent-Disposition", BESIDE_FORM, "a multipart form"),
        (b"-----BEGIN PKCS7-----", (), "PEM"),
        (b"0\x80\x06", (), "the bytes of a PKCS#7 document"),
        (b"a=b", BESIDE_BASE64, "a form"),
        (b"a=b", BESIDE_FORM, ""),
        (b"MIAG%2b", BESIDE_BASE64, "percent-encoded text"),
        (b"MIAG" * 12, BESIDE_FORM, "Base64 without the name"),
        (b"MIAG" * 11, BESIDE_FORM, ""),
        (b"MIAG" * 12, (), ""),
        (b"", BESIDE_FORM, ""),
    ],
)
def test_kinds_are_told_by_the_first_bytes(text: bytes, more: Kinds, kind: str) -> None:
    head = Head()
    for byte in text:
        head.take(bytes([byte]))
    assert head.kind(more).startswith(kind)
    assert bool(head.kind(more)) == bool(kind)


def test_no_more_than_the_first_bytes_are_kept() -> None:
    head = Head()
    for _ in range(3):
        head.take(bytes(LOOK - 1))
    assert head.text == bytes(LOOK)
