"""Signed messages attached, detached, joined and stamped: every signature still holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import core

from tests.support import judged
from tests.support.messages import DOCUMENT, foreign, made, signer, stream, streamed
from tests.support.pki import OFFICER, stranger, user
from tunnel_gateway.cms.composing import attach, detach, join, stamp
from tunnel_gateway.cms.frame import (
    MAX_REVOCATION_LISTS,
    MAX_SIGNERS,
    SIGNED_DATA_OID,
    Frame,
)
from tunnel_gateway.cms.signed_data import TIME_STAMP_OID, parse_signed_data
from tunnel_gateway.errors import BadSignedDataError, SignedDataError
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import identifier

TOKEN = ber.write(tags.SEQUENCE, b"")  # what is in it, nobody looks at here
LIST = ber.write(tags.SEQUENCE, b"\x02\x01\x07")


def holds(message: bytes, content: bytes | None = None) -> tuple[str | None, ...]:
    """The names of the signers, all of whose signatures are right."""
    return tuple(
        one.chain.certificate.common_name
        for one in judged.holds(message, content)
        if one.chain is not None
    )


@pytest.mark.parametrize("document", [b"", DOCUMENT, b"\xff" * 100_000], ids=len)
def test_attached_and_detached(document: bytes) -> None:
    detached = made(document, detached=True).der
    attached = attach(detached, document)
    assert parse_signed_data(attached).content == document
    assert detach(attached) == (detached, document)
    assert holds(attached) == holds(detached, document) == (signer().leaf.common_name,)


def test_a_streamed_message_is_written_in_der() -> None:
    message = streamed()
    detached, document = detach(message)
    assert document == DOCUMENT
    assert holds(detached, DOCUMENT)
    again = attach(detached, document)
    assert again != message
    assert holds(again)
    assert Frame.read(again) == Frame.read(message)


def test_what_cannot_be_attached() -> None:
    detached = made(detached=True).der
    with pytest.raises(BadSignedDataError, match="not the one"):
        attach(detached, b"another")
    with pytest.raises(SignedDataError, match="inside already"):
        attach(made().der, DOCUMENT)
    with pytest.raises(SignedDataError, match="detached already"):
        detach(detached)
    with pytest.raises(SignedDataError, match="malformed"):
        attach(detached[:-1], DOCUMENT)
    nobody = Frame.read(detached)
    with pytest.raises(SignedDataError, match="nobody"):
        attach(changed(nobody, signers=()), DOCUMENT)
    with pytest.raises(SignedDataError, match="not plain data"):
        attach(changed(nobody, content_type="1.2.3"), DOCUMENT)


def changed(frame: Frame, **fields: Any) -> bytes:
    return replace(frame, **fields).write()


def test_two_are_joined() -> None:
    officer = user(person=OFFICER)
    first, second = made().der, made(identity=officer).der
    joined = join(first, second)
    names = (signer().leaf.common_name, officer.leaf.common_name)
    assert holds(joined) == names
    assert holds(join(second, first)) == names[::-1]
    # The centre's certificate once, both digest algorithms once, each signature once.
    assert len(parse_signed_data(joined).certificates) == 2 + 1
    assert len(Frame.read(joined).digest_algorithms) == 1
    assert join(joined, second) == join(joined, joined) == joined


def test_the_stamped_signature_stays() -> None:
    message = made()
    stamped = stamp(message.der, {message.signature: TOKEN})
    for joined in (join(message.der, stamped), join(stamped, message.der)):
        (one,) = parse_signed_data(joined).signers
        assert one.time_stamp == TOKEN


def test_a_copied_signature_pushes_no_signer_out() -> None:
    message, foreign_name = made(), user(stranger(), OFFICER)
    stamped = stamp(message.der, {message.signature: TOKEN})
    other_token = ber.write(tags.SEQUENCE, b"\x05\x00")
    again = stamp(message.der, {message.signature: other_token})
    (kept,) = parse_signed_data(join(stamped, again)).signers
    assert kept.time_stamps == (TOKEN,)
    copied = made(identity=foreign_name)
    info = Frame.read(copied.der).signers[0].replace(copied.signature, message.signature)
    forged = stamp(changed(Frame.read(copied.der), signers=(info,)), {message.signature: TOKEN})
    verdicts = judged.judged(join(message.der, forged)).signers
    assert [one.verified for one in verdicts] == [True, False]


def test_a_signer_by_another_standard_is_left_as_it_is() -> None:
    message = made()
    both = join(message.der, foreign())
    ours, other = Frame.read(both).signers
    assert parse_signed_data(both).signers[1].signature == bytes(256)
    detached, document = detach(both)
    assert (document, attach(detached, DOCUMENT)) == (DOCUMENT, both)
    with pytest.raises(BadSignedDataError, match="not the one"):
        attach(detached, b"another")
    stamped = Frame.read(stamp(both, {message.signature: TOKEN})).signers
    assert (stamped[0] != ours, stamped[1]) == (True, other)


def test_a_message_by_another_standard_alone_is_refused() -> None:
    for compose in (
        lambda: join(foreign(), foreign()),
        lambda: detach(foreign()),
        lambda: stamp(foreign(), {}),
    ):
        with pytest.raises(SignedDataError, match="not an E-IMZO one"):
            compose()


def test_what_cannot_be_joined() -> None:
    with pytest.raises(BadSignedDataError, match="different documents"):
        join(made().der, made(b"another").der)
    large = bytes(100_000)
    with pytest.raises(BadSignedDataError, match="different documents"):
        join(made(large).der, made(large[:-1] + b"1").der)
    with pytest.raises(SignedDataError, match="document inside"):
        join(made().der, made(detached=True).der)
    many = made().der
    for _ in range(MAX_SIGNERS - 1):
        many = join(many, made().der)
    assert len(holds(many)) == MAX_SIGNERS
    with pytest.raises(SignedDataError, match="17 signers"):
        join(many, made().der)


def test_revocation_lists_are_kept() -> None:
    second = made().der
    newer = LIST[:-1] + b"\x08"
    first = changed(Frame.read(made().der), revocation_lists=(LIST,))
    other = changed(Frame.read(second), revocation_lists=(LIST, newer))
    assert Frame.read(join(first, second)).revocation_lists == (LIST,)
    assert Frame.read(join(second, first)).revocation_lists == (LIST,)
    assert Frame.read(join(first, other)).revocation_lists == (LIST, newer)


@pytest.mark.parametrize(
    ("field", "limit"), [("revocation_lists", MAX_REVOCATION_LISTS), ("digest_algorithms", 16)]
)
def test_no_message_is_made_that_cannot_be_read(field: str, limit: int) -> None:
    values = [ber.write(tags.SEQUENCE, b"\x06\x01" + bytes([n])) for n in range(limit + 1)]
    frame = Frame.read(made().der)
    first, second = (
        changed(frame, **{field: tuple(part)}) for part in (values[:limit], values[limit:])
    )
    with pytest.raises(SignedDataError, match=f"{limit + 1} {field.replace('_', ' ')}"):
        join(first, second)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"\x02\x01\x01", b"\x02\x02\x01\x00"),
        (b"\x02\x01\x01", b"\x02\x01\xff"),
        (bytes([0xA1, len(LIST)]) + LIST, bytes([0xA1, len(LIST)]) + b"\x30\x7f" + LIST[2:]),
    ],
)
def test_malformed_parts_are_refused_by_all(good: bytes, bad: bytes) -> None:
    written = changed(Frame.read(made().der), revocation_lists=(LIST,))
    message = _streamed_around(written, good, bad)
    for compose in (
        lambda: join(made().der, message),
        lambda: join(message, made().der),
        lambda: detach(message),
        lambda: stamp(message, {}),
        lambda: attach(message, DOCUMENT),
    ):
        with pytest.raises(SignedDataError, match="malformed"):
            compose()


def _streamed_around(message: bytes, good: bytes, bad: bytes) -> bytes:
    """The message with one part replaced, its outer lengths indefinite."""
    _, explicit = ber.read(message).children()
    (body,) = explicit.children()
    kind = identifier(SIGNED_DATA_OID)
    contents = bytes(body.contents).replace(good, bad, 1)
    return stream(0x30, kind + stream(0xA0, stream(0x30, contents)))


def test_stamps_stand_beside_signatures() -> None:
    first, second = made(), made(identity=user(person=OFFICER))
    message = join(first.der, second.der)
    stamped = stamp(message, {second.signature: TOKEN})
    signers = parse_signed_data(stamped).signers
    assert [one.time_stamp for one in signers] == [None, TOKEN]
    assert [one.verified for one in judged.judged(stamped).signers] == [True, True]
    twice = stamp(stamped, {second.signature: ber.write(tags.SEQUENCE, b"\x05\x00")})
    assert parse_signed_data(twice).signers[1].time_stamp == TOKEN
    assert stamp(message, {}) == message


def test_an_attribute_of_another_kind_is_no_stamp() -> None:
    message = made()
    frame = Frame.read(message.der)
    value = ber.write(tags.SET, TOKEN)
    other = ber.write(tags.SEQUENCE, core.ObjectIdentifier("1.2.3").dump() + value)
    parts = bytes(ber.read(frame.signers[0]).contents)
    info = ber.write(tags.SEQUENCE, parts + ber.write(0xA1, other))
    kept = changed(frame, signers=(info,))
    assert parse_signed_data(kept).signers[0].time_stamp is None
    stamped = stamp(kept, {message.signature: TOKEN})
    assert parse_signed_data(stamped).signers[0].time_stamp == TOKEN
    assert other in stamped
    empty = ber.write(
        tags.SEQUENCE, core.ObjectIdentifier(TIME_STAMP_OID).dump() + ber.write(tags.SET, b"")
    )
    info = ber.write(tags.SEQUENCE, parts + ber.write(0xA1, empty))
    with pytest.raises(SignedDataError, match="malformed"):
        parse_signed_data(changed(frame, signers=(info,)))
