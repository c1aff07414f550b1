"""The frame of a message: read and written again it is the same, and it is bounded."""

from __future__ import annotations

import tracemalloc
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.messages import DOCUMENT, framed, made, signer, streamed
from tests.support.pki import ders
from tunnel_gateway.cms.frame import (
    DATA_OID,
    MAX_CERTIFICATES,
    MAX_DOCUMENT_SIZE,
    MAX_REVOCATION_LISTS,
    MAX_SIGNER_SIZE,
    MAX_SIGNERS,
    MAX_SIZE,
    MESSAGE_ROOM,
    Frame,
)
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.pki.encoding import ber, tags

VALUE = ber.write(tags.SEQUENCE, b"")
VALUES = st.lists(
    st.binary(max_size=40).map(lambda data: ber.write(tags.OCTET_STRING, data)),
    max_size=MAX_SIGNERS,
).map(tuple)


FRAMES = st.builds(
    Frame,
    version=st.sampled_from([1, 3]),
    digest_algorithms=VALUES,
    content_type=st.sampled_from([DATA_OID, "1.2.840.113549.1.9.16.1.4"]),
    content=st.none() | st.binary(),
    certificates=VALUES,
    revocation_lists=VALUES,
    signers=VALUES,
)


@given(FRAMES)
def test_what_is_written_is_read(frame: Frame) -> None:
    assert Frame.read(frame.write()) == frame


def test_a_message_of_ours_is_der() -> None:
    message = made().der
    assert Frame.read(message).write() == message


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "begins with MI in Base64$"),
        (b"%PDF-1.7", "begins with MI in Base64$"),
        (b64encode(made().der), "it is Base64 inside of Base64$"),
        (ders(signer())[0], "^a certificate alone"),
        (ber.write(tags.SEQUENCE, b"\x02\x01\x03"), r"^a PKCS#12 file \(PFX\), and not"),
    ],
)
def test_other_files_are_named(data: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Frame.read(data)


@pytest.mark.parametrize("message", [made().der, streamed()], ids=["DER", "BER"])
def test_every_end_that_is_cut_off_is_refused(message: bytes) -> None:
    assert Frame.read(message).content == DOCUMENT
    for size in range(len(message)):
        with pytest.raises(ValueError, match=r"\w"):
            Frame.read(message[:size])
    with pytest.raises(ValueError, match="after the end"):
        Frame.read(message + b"\0")


def test_counts_are_bounded() -> None:
    for field, limit in (
        ("digest_algorithms", MAX_SIGNERS),
        ("certificates", MAX_CERTIFICATES),
        ("revocation_lists", MAX_REVOCATION_LISTS),
        ("signers", MAX_SIGNERS),
    ):
        parts = {
            "digest_algorithms": (),
            "certificates": (),
            "revocation_lists": (),
            "signers": (),
        }
        for count in (limit, limit + 1):
            frame = Frame(
                version=1,
                content_type=DATA_OID,
                content=None,
                **parts | {field: (VALUE,) * count},
            )
            if count == limit:
                assert Frame.read(frame.write()) == frame
            else:
                with pytest.raises(ValueError, match=f"more than {limit}"):
                    Frame.read(frame.write())
    large = Frame(1, (), "1.2.3", None, (), (), (ber.write(tags.SEQUENCE, bytes(MAX_SIGNER_SIZE)),))
    with pytest.raises(ValueError, match="a signer of more"):
        Frame.read(large.write())


@pytest.mark.parametrize("field", ["digest_algorithms", "certificates", "revocation_lists"])
@pytest.mark.parametrize("content", [b"", bytes(MESSAGE_ROOM), None], ids=["none", "1 MiB", "out"])
def test_little_stands_beside_the_document(field: str, content: bytes | None) -> None:
    frame = Frame(1, (), DATA_OID, content, (), (), ())
    assert Frame.read(frame.write()) == frame
    large: dict[str, Any] = {field: (ber.write(tags.SEQUENCE, bytes(MESSAGE_ROOM)),)}
    with pytest.raises(ValueError, match="beside the document"):
        Frame.read(replace(frame, **large).write())


def test_a_large_document_is_copied_once() -> None:
    size = 16 * 1024 * 1024
    frame = Frame(1, (), "1.2.3", bytes(size), (), (), ())
    tracemalloc.start()
    try:
        message = frame.write()
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        read = Frame.read(message)
        both = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read.content == frame.content
    assert written < 1.01 * size
    assert both < 1.01 * size  # reading copies nothing


def test_a_view_of_a_document_is_written_as_the_document() -> None:
    message = made().der
    frame = Frame.read(message)
    assert isinstance(frame.content, memoryview)
    assert frame.write() == replace(frame, content=DOCUMENT).write() == message


def test_the_largest_document_is_read_whole_and_in_pieces() -> None:
    document = bytes(MAX_DOCUMENT_SIZE)
    whole = Frame(1, (), DATA_OID, document, (), (), ()).write()
    in_pieces = framed(document, ders(signer()), VALUE)
    for message in (whole, in_pieces):
        content = Frame.read(message).content
        assert content is not None
        assert bytes(content) == document


def test_a_message_that_is_too_large() -> None:
    with pytest.raises(SignedDataError, match="limit"):
        Frame.read(bytes(MAX_SIZE + 1))
