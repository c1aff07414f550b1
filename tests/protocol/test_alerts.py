"""Alerts: every error has its code, and what a stranger writes does no harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tunnel_gateway import errors
from tunnel_gateway.errors import AlertReceivedError, ProtocolViolationError, TunnelGatewayError
from tunnel_gateway.protocol.alerts import TEXTS, Alert, AlertCode
from tunnel_gateway.protocol.constants import MAX_ALERT

# docs/protocol.md: these numbers are on the wire and never change.
NUMBERS = {
    "protocol_error": 1,
    "unsupported_version": 2,
    "no_common_suite": 3,
    "unknown_domain": 4,
    "certificate_untrusted": 5,
    "certificate_expired": 6,
    "certificate_revoked": 7,
    "certificate_unsuitable": 8,
    "bad_signature": 9,
    "bad_record": 10,
    "unknown_destination": 11,
    "destination_unreachable": 12,
    "not_permitted": 13,
    "not_websocket": 14,
    "overloaded": 15,
    "timed_out": 16,
    "shutting_down": 17,
    "internal_error": 18,
    "rate_limited": 19,
    "too_many_tunnels": 20,
    "destination_busy": 21,
    "closed_by_operator": 22,
    "request_too_large": 23,
    "page_lost": 24,
}
on_each_code = pytest.mark.parametrize("code", AlertCode, ids=lambda code: code.name)


def errors_below(kind: type[TunnelGatewayError]) -> Iterator[type[TunnelGatewayError]]:
    for one in kind.__subclasses__():
        yield one
        yield from errors_below(one)


ERRORS_OF_THE_WIRE = [
    *errors_below(errors.CertificateError),
    *errors_below(errors.PeerError),
    *errors_below(errors.RefusalError),
]


def test_the_numbers_are_those_of_the_specification() -> None:
    assert {code.name.lower(): code.value for code in AlertCode} == NUMBERS


@on_each_code
def test_every_code_has_a_text_that_fits(code: AlertCode) -> None:
    alert = Alert(code, TEXTS[code])
    assert TEXTS[code].isascii()
    assert TEXTS[code].isprintable()
    assert len(alert.serialize()) <= MAX_ALERT
    assert Alert.parse(alert.serialize()) == alert


@on_each_code
def test_every_code_belongs_to_an_error(code: AlertCode) -> None:
    codes = {kind.code for kind in errors_below(TunnelGatewayError)} | {TunnelGatewayError.code}
    assert code.name.lower() in codes


@pytest.mark.parametrize("kind", ERRORS_OF_THE_WIRE, ids=lambda kind: kind.__name__)
def test_every_error_that_concerns_the_peer_has_its_own_alert(
    kind: type[TunnelGatewayError],
) -> None:
    alert = Alert.from_error(kind("a detail for our log"))
    received = alert.to_error()
    assert received.name == kind.code
    assert received.name != "internal_error"
    assert "detail" not in received.text


@pytest.mark.parametrize(
    "error",
    [
        TunnelGatewayError("secret"),
        errors.FileError("/etc/keys/secret: unreadable"),
        errors.InvalidKeyError("secret"),
        errors.GatewayUnreachableError("secret"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_our_own_business_is_an_internal_error(error: TunnelGatewayError) -> None:
    alert = Alert.from_error(error)
    assert alert.code is AlertCode.INTERNAL_ERROR
    assert b"secret" not in alert.serialize()


def test_a_truncation_is_the_fault_of_the_peer() -> None:
    assert Alert.from_error(errors.TruncatedError("gone")).code is AlertCode.PROTOCOL_ERROR


def test_the_received_error_names_the_alert() -> None:
    error = Alert(AlertCode.UNKNOWN_DESTINATION, "no such thing").to_error()
    assert type(error) is AlertReceivedError
    assert (error.name, error.text) == ("unknown_destination", "no such thing")
    assert "unknown_destination (no such thing)" in str(error)


@pytest.mark.parametrize("number", [0, max(AlertCode) + 1, 255])
def test_a_number_of_a_later_version_is_kept(number: int) -> None:
    alert = Alert.parse(bytes((number, 2)) + b"hm")
    assert alert.to_error().name == f"alert_{number}"
    assert alert.to_error().text == "hm"


@pytest.mark.parametrize(
    "body", [b"", b"\x01", b"\x01\x01", b"\x01\x00x", b"\x01\x03ab", b"\x01\xff" + b"x" * 254]
)
def test_a_wrong_length_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolViolationError, match="wrong length"):
        Alert.parse(body)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"one\ntwo\r\x00\x1b[31m\x7f", "one?two???[31m?"),
        ("reversed\u202etxt, hidden\u200b".encode(), "reversed?txt, hidden?"),
        (b"not UTF-8 \xff\xfe", "not UTF-8 ��"),
        ("o‘zbek ўзбек".encode(), "o‘zbek ўзбек"),
        (b"", ""),
    ],
)
def test_only_what_is_printable_comes_out(text: bytes, shown: str) -> None:
    assert Alert.parse(bytes((1, len(text))) + text).to_error().text == shown


def test_a_long_text_is_cut() -> None:
    body = Alert(1, "ж" * 200).serialize()
    assert len(body) == MAX_ALERT
    assert Alert.parse(body).text.startswith("ж" * 127)


def test_the_words_of_a_stranger_are_not_shown() -> None:
    forged = Alert(AlertCode.OVERLOADED, "call this number").in_our_words()
    assert forged == Alert(AlertCode.OVERLOADED, TEXTS[AlertCode.OVERLOADED])
    assert Alert(200, "call this number").in_our_words() == Alert(200, "")
