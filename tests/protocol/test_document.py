"""docs/protocol.md says what the code does: tables, numbers and vectors are compared."""

from __future__ import annotations

import re

import pytest

from tests.protocol.document import DOCUMENT, fill
from tunnel_gateway.protocol import constants
from tunnel_gateway.protocol.alerts import AlertCode
from tunnel_gateway.protocol.constants import ContentType, RecordType
from tunnel_gateway.protocol.messages import ServerHello

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_what_is_drawn_from_the_code_is_up_to_date() -> None:
    """If this fails: python -m tests.protocol.document."""
    assert fill(TEXT) == TEXT


def test_a_mark_of_an_unknown_name_is_not_passed_over() -> None:
    with pytest.raises(KeyError):
        fill("<!-- begin something: generated -->\n<!-- end something -->")


def test_the_alerts() -> None:
    rows = re.findall(r"^\| (\d+) \| `([a-z_]+)` \| (client|server|both) \|", TEXT, re.MULTILINE)
    assert {int(number): name for number, name, _ in rows} == {
        code.value: code.name.lower() for code in AlertCode
    }


@pytest.mark.parametrize("kind", [RecordType, ContentType], ids=lambda kind: kind.__name__)
def test_the_types(kind: type[RecordType | ContentType]) -> None:
    rows = re.findall(r"^\| (\d) \| ([a-z]+) \|", TEXT, re.MULTILINE)
    assert {(str(one.value), one.name.lower()) for one in kind} <= set(rows)


def test_the_labels_and_limits() -> None:
    for signed in (constants.SERVER_SIGNATURE_LABEL, constants.CLIENT_SIGNATURE_LABEL):
        assert f'"{signed.decode()}"' in TEXT
    for label in ("c hs", "s hs", "derived", "c ap", "s ap", "exp", "tunnel id", "finished"):
        assert f'"{label}"' in TEXT
    for label in ("key", "iv", "upd"):
        assert f'"{label}"' in TEXT
    assert f"1 or 2, in clear | {constants.MAX_HELLO} |" in TEXT
    assert f"| {constants.MAX_PROTECTED_FRAGMENT} (16384 + 1 + 8) |" in TEXT
    assert f"(section 11) | {constants.MAX_ALERT} |" in TEXT
    assert f"A key protects {constants.RECORDS_PER_KEY} records" in TEXT
    size = len(ServerHello(1, bytes(32), bytes(64)).serialize())
    assert f"hello (type 1), {size} bytes" in TEXT


def test_the_bound_of_a_key() -> None:
    """Section 14.3: calls of the cipher for a full record and for a key."""
    blocks = -(-(1 + constants.MAX_PAYLOAD) // 8)
    calls = (1 + blocks) + (1 + (1 + blocks + 1) + 1)
    assert f"{blocks} blocks" in TEXT
    assert f"{constants.RECORDS_PER_KEY} · {calls} = 1 050 368" in TEXT
    assert constants.RECORDS_PER_KEY * calls == 1_050_368
