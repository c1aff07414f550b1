"""What a peer is told: a number the client can show, in ASCII, never the error's own text."""

from __future__ import annotations

import pytest

from tests.test_errors import below
from tunnel_gateway.errors import (
    NotPermittedError,
    TunnelGatewayError,
)
from tunnel_gateway.protocol.alerts import AlertCode
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError
from tunnel_gateway.protocol.stp.stp_messages import Finish
from tunnel_gateway.protocol.stp.stp_refusals import (
    StpRefusal,
    refusal_of_finish,
    refusal_of_number,
)

KINDS = sorted(below(TunnelGatewayError), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_number_and_words(kind: type[TunnelGatewayError]) -> None:
    error = kind.__new__(kind, "a secret of the log")
    refusal = StpRefusal.from_error(error)
    assert 1 <= refusal.number <= 127  # shown as it is, and never taken for a success
    assert refusal.text.isascii()
    assert 0 < len(refusal.text) <= 255
    assert "secret" not in refusal.text
    assert refusal.finish() == Finish(refusal.number, refusal.text.encode())
    assert refusal.first_byte() == bytes((refusal.number,))


def test_numbers_are_those_of_the_alerts_and_two_more() -> None:
    assert StpRefusal.from_error(NotPermittedError("who")).number == AlertCode.NOT_PERMITTED
    assert StpRefusal.from_error(RepeatableModeError("SIC")).number == 64
    assert StpRefusal.from_error(CurveNotServedError("B")).number == 65
    assert not {64, 65} & {*AlertCode}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (NotPermittedError, "not_permitted"),
        (RepeatableModeError, "repeatable_mode"),
        (CurveNotServedError, "curve_not_served"),
    ],
)
def test_a_client_of_ours_knows_the_number(kind: type[TunnelGatewayError], name: str) -> None:
    refusal = StpRefusal.from_error(kind("why"))
    assert refusal_of_number(refusal.number).name == name
    heard = refusal_of_finish(refusal.finish())
    assert (heard.name, heard.text) == (name, refusal.text)


@pytest.mark.parametrize("number", [0, 63, 128, 255])
def test_a_strange_number_has_a_name_too(number: int) -> None:
    assert refusal_of_number(number).name == f"refusal_{number}"


def test_a_strange_text_is_made_printable() -> None:
    heard = refusal_of_finish(Finish(1, "Нет\x1b[31m\nтак".encode() + b"\xff"))
    assert heard.text == "Нет?[31m?так\N{REPLACEMENT CHARACTER}"
