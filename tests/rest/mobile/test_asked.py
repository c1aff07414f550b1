"""Fields of calls, and the document that is meant."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.calls import CALLER
from tests.support.mobile import MobileSite, call
from tunnel_gateway.rest.call import Call
from tunnel_gateway.rest.mobile.asked import document_id, field, missing, signed_document
from tunnel_gateway.rest.mobile.documents import Purpose
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.working import Threads

PATH = "/backend/mobile/verify"


def with_texts(texts: Mapping[str, str]) -> Call:
    return Call(PATH, CALLER, texts=texts, came=tuple(texts))


@pytest.mark.parametrize("text", ["2944F1F2", "2944f1f2", " 2944F1f2\r\n"])
def test_an_id_in_any_case(text: str) -> None:
    assert document_id(with_texts({"documentId": text})) == "2944F1F2"
    assert document_id(with_texts({"other": text}), "other") == "2944F1F2"


@pytest.mark.parametrize("text", ["2944F1F", "2944F1F22", "2944F1FG", "{documentId}", "２944F1F2"])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(Refusal, match="documentId must have 8 hexadecimal digits") as caught:
        document_id(with_texts({"documentId": text}))
    assert caught.value.reason is Reason.BAD_BODY


@pytest.mark.parametrize("texts", [{}, {"documentId": ""}, {"documentId": " "}])
def test_a_field_that_did_not_come(texts: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="the field documentId is missing or empty"):
        field(with_texts(texts), "documentId")


def test_the_fields_that_came_are_told() -> None:
    refused = missing(with_texts({"documentID": "1", "pkcs7": "2"}), "pkcs7_b64")
    assert "these came: documentID, pkcs7" in refused.detail
    assert "no field came" in missing(with_texts({}), "pkcs7_b64").detail


async def test_a_signed_document(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.uploaded()
    asked = call(PATH, documentId=document.document_id)
    found, message = await signed_document(asked, site.documents, Purpose.SIGN_IN)
    assert found.challenge == document.challenge
    assert message == found.message


async def test_none_that_is_signed(threads: Threads) -> None:
    site = MobileSite(threads)
    fresh, signed, used = await site.begin(), await site.uploaded(), await site.uploaded()
    paper = await site.uploaded(Purpose.DOCUMENT)
    assert await site.documents.use(used)
    for identifier, purpose, reason, detail in (
        ("00000000", Purpose.SIGN_IN, Reason.DOCUMENT_UNKNOWN, ""),
        (fresh.document_id, Purpose.SIGN_IN, Reason.NOT_UPLOADED, ""),
        (used.document_id, Purpose.SIGN_IN, Reason.DOCUMENT_UNKNOWN, "already"),
        (signed.document_id, Purpose.DOCUMENT, Reason.OTHER_PURPOSE, "mobile/authenticate"),
        (used.document_id, Purpose.DOCUMENT, Reason.OTHER_PURPOSE, "mobile/authenticate"),
        (paper.document_id, Purpose.SIGN_IN, Reason.OTHER_PURPOSE, "mobile/verify"),
    ):
        with pytest.raises(Refusal) as caught:
            await signed_document(call(PATH, documentId=identifier), site.documents, purpose)
        assert caught.value.reason is reason
        assert detail in caught.value.detail
