"""Names read from text, as they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pki import user
from tunnel_gateway.pki.certificates.name_text import MAX_TEXT, read_name
from tunnel_gateway.pki.certificates.names import distinguished_name, labelled

VALUES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
LABELS = st.sampled_from(["CN", "O", "SURNAME", "Name", "UID", "1.2.860.3.16.1.2"])


@given(st.lists(st.tuples(LABELS, VALUES), min_size=1, max_size=8))
def test_what_is_written_is_read(attributes: list[tuple[str, str]]) -> None:
    special = ',+"\\<>;# '
    text = ",".join(
        f"{label}={''.join(chr(92) + c if c in special else c for c in value)}"
        for label, value in attributes
    )
    assert list(labelled(read_name(text))) == attributes


def test_the_name_of_a_certificate() -> None:
    name = user().leaf.subject
    assert distinguished_name(read_name(name)) == name
    assert distinguished_name(read_name(" cn=Ali , c=UZ")) == "CN=Ali\\ ,C=UZ"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ali",
        "CN=",
        "XX=Ali",
        "CN=Ali,",
        "CN=A\x00",
        "9.9=Ali",
        "CN=" + "a" * 501,
        ",".join(["CN=a"] * 41),
        "CN=a" + " " * MAX_TEXT,
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"name|attribute"):
        read_name(text)
