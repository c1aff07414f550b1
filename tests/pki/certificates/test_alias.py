"""Aliases, as pages cut them up."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import MADE, OFFICER, authority, user
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.authority import USER, issue
from tunnel_gateway.pki.certificates.alias import alias_end, alias_fields, make_alias


def x500(text: str, field: str) -> str:
    """The vendor's page script: in capitals, cut before every ``,LETTERS=``."""
    cut = re.split(r"(?=,[A-Z]+=)", text.upper().replace("1.2.860.3.16.1.2=", "PINFL="))
    for place, part in enumerate(cut):
        start = ("," if place else "") + field + "="
        if start in part:
            return part[part.index(start) + len(start) :]
    return ""


def test_a_citizen() -> None:
    identity = user(not_after=datetime(2028, 1, 30, 18, 59, 59, tzinfo=UTC))
    assert make_alias(identity.leaf) == (
        "cn=g‘aniyev o‘ktam,name=o‘ktam,surname=g‘aniyev,l=toshkent shahri,c=uz,uid=400000001,"
        f"1.2.860.3.16.1.2=10000000000001,serialnumber={identity.leaf.serial_hex},"
        "validfrom=2026.01.30 17:00:00,validto=2028.01.30 23:59:59"
    )


def test_its_end() -> None:
    end = datetime(2028, 1, 30, 18, 59, 59, tzinfo=UTC)
    assert alias_end(make_alias(user(not_after=end).leaf)) == end
    for odd in ("", "validto=", "validto=2028.13.30 00:00:00", "validto=0001.01.01 00:00:00"):
        assert alias_end(odd) is None


def test_an_officer() -> None:
    found = alias_fields(make_alias(user(person=OFFICER).leaf))
    assert found["1.2.860.3.16.1.1"] == "300000001"
    assert found["o"] == "namuna mchj"


def test_the_end_of_time() -> None:
    leaf = user(not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)).leaf
    assert make_alias(leaf).endswith("validto=9999.12.31 23:59:59")


NAMES = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30
).filter(lambda text: len(text) < 60)


@given(NAMES)
def test_a_name_cannot_pretend_to_be_another_field(name: str) -> None:
    hostile = f"{name},UID=1,PINFL=2, 1.2.860.3.16.1.2=3"
    try:
        leaf = issue(
            authority().centre,
            [("CN", hostile), ("O", name), ("PINFL", "10000000000009")],
            USER,
            now=MADE,
            entropy=lambda count: b"\x5a" * count,
        ).leaf
    except CertificateUnsuitableError:  # a name that no certificate may have
        return
    alias = make_alias(leaf)
    fields = alias_fields(alias)
    assert set(fields) == {
        "cn",
        "o",
        "1.2.860.3.16.1.2",
        "serialnumber",
        "validfrom",
        "validto",
    }
    assert fields["1.2.860.3.16.1.2"] == "10000000000009"
    assert fields["cn"] == hostile.translate({ord(","): "\u201a", ord("="): "\uff1d"}).lower()
    assert x500(alias, "UID") == ""
    assert x500(alias, "SERIALNUMBER") == leaf.serial_hex.upper()
    assert x500(alias, "VALIDTO").startswith("20")


def test_fields_of_a_strange_alias() -> None:
    assert alias_fields("") == {}
    assert alias_fields("CN=a,cn=b,nothing,x=y=z") == {"cn": "a", "x": "y=z"}
