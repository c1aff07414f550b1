from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.rest.answers import (
    PIECE,
    Answer,
    Bare,
    Base64,
    refusal_fields,
    refused,
    success,
    success_fields,
)
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.user_language import Language


def text_of(answer: Answer) -> bytes:
    text = b"".join(answer.pieces())
    assert len(text) == answer.length
    return text


def test_success_has_the_fields_first() -> None:
    answer = success({"challenge": "c", "ttl": 120})
    assert (answer.code, answer.status, answer.reason) == (200, 1, None)
    assert text_of(answer) == b'{"challenge":"c","ttl":120,"status":1,"message":""}'


def test_ping_and_info_have_no_status() -> None:
    assert text_of(success(Bare({"yourIP": "::1"}))) == b'{"yourIP":"::1"}'


def test_a_verdict_has_its_reason_last() -> None:
    answer = refused(Refusal(Reason.SIGNATURE_WRONG, fields={"a": True}), Language.ENGLISH)
    assert (answer.code, answer.status, answer.reason) == (200, -10, Reason.SIGNATURE_WRONG)
    assert text_of(answer) == (
        b'{"a":true,"status":-10,"message":"The digital signature is not valid",'
        b'"reason":"signature_wrong"}'
    )


def test_another_code_than_200_is_in_the_status() -> None:
    answer = refused(Refusal(Reason.BAD_BODY, "a bar is missing"), Language.ENGLISH)
    assert answer.code == 400
    assert json.loads(text_of(answer)) == {
        "status": -400,
        "message": "The body of the request is wrong",
        "reason": "bad_body",
        "detail": "a bar is missing",
    }


def test_the_number_is_that_of_the_path() -> None:
    path = "/backend/mobile/verify"
    answer = refused(Refusal(Reason.INTERNAL_ERROR), Language.ENGLISH, path)
    assert (answer.code, answer.status) == (200, -100)
    assert json.loads(text_of(answer))["status"] == -100
    assert refused(Refusal(Reason.INTERNAL_ERROR), Language.ENGLISH).code == 500


def test_fields_cannot_say_another_status() -> None:
    fields: Fields = {"status": 1, "message": "", "reason": "none"}
    answer = json.loads(text_of(refused(Refusal(Reason.MALFORMED, fields=fields), Language.UZBEK)))
    assert (answer["status"], answer["reason"]) == (-10, "malformed")
    assert json.loads(text_of(success({"status": -10})))["status"] == 1


@given(st.text())
def test_names_stay_inside_their_text(name: str) -> None:
    assert json.loads(text_of(success({"name": name})))["name"] == name
    refusal = Refusal(Reason.MALFORMED, f"it is {name}")
    answer = json.loads(text_of(refused(refusal, Language.RUSSIAN)))
    assert answer["detail"] == f"it is {name}"


def test_half_a_surrogate_pair_is_written_as_json_does() -> None:
    assert text_of(success(Bare({"name": "a\ud800"}))) == b'{"name":"a\\ud800"}'


@pytest.mark.parametrize("size", [0, 1, 2, 3, 16_384, 16_385, PIECE, PIECE + 1, 3 * PIECE - 1])
def test_base64_is_whole_at_every_size(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    fields: Fields = {"info": {"a": Base64(data[:size])}, "b": Base64(data), "c": "text"}
    answer = json.loads(text_of(success(fields)))
    assert answer["info"]["a"] == b64encode(data[:size]).decode()
    assert (b64decode(answer["b"]), answer["c"]) == (data, "text")


def test_a_large_document_is_sent_in_pieces() -> None:
    pieces = list(success({"documentBase64": Base64(bytes(10 * PIECE))}).pieces())
    assert len(pieces) == 12
    assert max(map(len, pieces)) == PIECE // 3 * 4


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        success({"value": value})


def test_no_number_is_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        success({"value": math.nan})


def test_an_answer_inside_another_has_the_same_fields() -> None:
    fields: Fields = {"a": 1}
    assert success_fields(fields) == json.loads(text_of(success(fields)))
    refusal = Refusal(Reason.BAD_BODY, "no bar", fields)
    assert refusal_fields(refusal, Language.ENGLISH) == json.loads(
        text_of(refused(refusal, Language.ENGLISH))
    )
