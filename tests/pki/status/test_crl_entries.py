"""One odd entry of a list: it matches nobody or is a revocation, and the others count."""

from __future__ import annotations

import pytest

from tests.support.pki import NOW, authority
from tests.support.revocation import HOUR, entry, make_list, with_entries
from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.crl_entries import Entries, Frame
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

CENTRE = authority().centre
EXPLICIT_FALSE = b"\x01\x01\x00"
REASON = b"\x06\x03\x55\x1d\x15"
KEY_COMPROMISE = b"\x04\x03\x0a\x01\x01"
BEFORE, AFTER = entry(b"\x05"), entry(b"\x07")


def _extensions(*contents: bytes) -> bytes:
    each = b"".join(ber.write(tags.SEQUENCE, one) for one in contents)
    return ber.write(tags.SEQUENCE, each)


def _read(*entries: bytes, extra: bytes = b"") -> RevocationList:
    """The list, once it is proven: what is odd in it does not touch its signature."""
    data = with_entries(CENTRE, *entries, at=NOW, extra=extra)
    return RevocationList(data).proven_by(CENTRE.leaf).content


@pytest.mark.parametrize(
    "odd",
    [
        entry(b"\x11" * 25),
        entry(b"\x11" * 21),
        entry(b"\x11" * 200),
        entry(b"\xfa"),
        entry(b""),
        ber.write(tags.SEQUENCE, b""),
        ber.write(tags.SEQUENCE, b"\x04\x01\x06"),
        ber.write(tags.SEQUENCE, b"\x02\x05\x06"),
    ],
    ids=["25 bytes", "21 bytes", "200 bytes", "negative", "empty", "nothing", "no number", "cut"],
)
def test_an_entry_without_a_number_of_a_certificate_matches_nobody(odd: bytes) -> None:
    for entries in ((BEFORE, odd, AFTER), (odd, BEFORE, AFTER), (BEFORE, AFTER, odd)):
        found = _read(*entries)
        assert (len(found), found.passed_over) == (2, 1)
        assert found.revoked(5) == RevokedInfo(NOW - 2 * HOUR, None)
        assert found.revoked(7)
        assert not any(found.revoked(serial) for serial in (1, 6, 0xFA, 0x11, 2**159))
    assert _read(odd).entries() == {}


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (entry(b"\x00\x00\x06"), "on 2026-03-01"),
        (entry(b"\x06", b"\x17\x03abc"), "(no reason given)"),
        (entry(b"\x06", b""), "(no reason given)"),
        (entry(b"\x06", b"\x18\x0f99991231235959Z"), "on 9999-12-31"),
        (entry(b"\x06", b"\x18\x0f00000101000000Z"), "(no reason given)"),
        (
            entry(b"\x06", more=_extensions(REASON + EXPLICIT_FALSE + KEY_COMPROMISE)),
            "keyCompromise",
        ),
        (entry(b"\x06", more=_extensions(REASON + b"\x04\x03\x0a\x01\x63")), "(no reason given)"),
        (entry(b"\x06", more=_extensions(REASON + b"\x04\x01\x0a")), "(no reason given)"),
        (entry(b"\x06", more=_extensions(b"\x06\x01\x2a\x01\x01\xff\x04\x01\x05")), "(no reason"),
        (entry(b"\x06", more=b"\x05\x00" * 20), "(no reason given)"),
        (entry(b"\x06", more=b"\x30\x7f"), "(no reason given)"),
    ],
    ids=[
        "leading zeros",
        "no date in its place",
        "no date",
        "never",
        "the year 0",
        "explicit critical FALSE",
        "an unknown reason",
        "a broken reason",
        "an unknown critical extension",
        "too many parts",
        "an extension that breaks off",
    ],
)
def test_an_entry_whose_number_can_be_read_is_a_revocation(odd: bytes, said: str) -> None:
    found = _read(BEFORE, odd, AFTER)
    revoked = found.revoked(6)
    assert revoked is not None
    assert said in revoked.text
    assert found.revoked(5)
    assert found.revoked(7)
    assert (set(found.entries()), found.passed_over) == ({5, 6, 7}, 0)


def test_the_largest_number_that_a_certificate_can_have() -> None:
    largest = 2**159 - 1
    found = _read(entry(largest.to_bytes(20, "big")), entry(b"\x00" + b"\xff" * 20))
    assert found.revoked(largest)


def test_an_extension_of_the_list_that_says_it_is_not_critical() -> None:
    unknown = ber.write(tags.SEQUENCE, b"\x06\x03\x2a\x03\x04" + EXPLICIT_FALSE + b"\x04\x01\x05")
    assert _read(BEFORE, extra=unknown).revoked(5)
    critical = unknown.replace(EXPLICIT_FALSE, b"\x01\x01\xff")
    with pytest.raises(RevocationDataError, match=r"critical extension 1\.2\.3\.4 is not known"):
        _read(BEFORE, extra=critical)


@pytest.mark.parametrize(
    "broken", [b"\x30\x7f\x02\x01\x06", b"\x05\x00", b"\x30\x80\x00\x00", b"\x30", b"\x30\x85"]
)
def test_where_an_entry_ends_must_be_known(broken: bytes) -> None:
    with pytest.raises(RevocationDataError, match="not a revocation list"):
        _read(BEFORE, broken)


def test_a_list_has_one_series_of_entries() -> None:
    body, algorithm, sealed = ber.read(make_list(CENTRE, 5, at=NOW)).children()
    *head, entries, extensions = body.children()
    parts = [*head, entries, entries, extensions]
    twice = ber.write(tags.SEQUENCE, b"".join(bytes(one.whole) for one in parts))
    whole = ber.write(tags.SEQUENCE, twice + bytes(algorithm.whole) + bytes(sealed.whole))
    with pytest.raises(ValueError, match="more than one series"):
        Frame.read(whole)


def test_no_entries() -> None:
    assert len(Entries(b"")) == 0
    assert Entries(b"").find(5) is None
