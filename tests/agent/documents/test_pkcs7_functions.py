"""Signatures as pages ask for them: made, added, stamped and verified."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.support.judged import holds, judged, trust
from tests.support.keys import OTHER, PAGE, User, closed, keyring, owner
from tests.support.messages import made, signer
from tests.support.pki import NOW, stranger, user
from tests.support.stamps import token
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.documents import pkcs7_functions as module
from tunnel_gateway.agent.documents.pkcs7_functions import pkcs7_functions
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.pki.trust.validation import ChainValidator

DOCUMENT = "hujjat №1".encode()


def text(data: bytes) -> str:
    return b64encode(data).decode()


class Page:
    """Calls functions by name, as one origin."""

    def __init__(self, person: User, validator: ChainValidator | None) -> None:
        self.person = person
        self.ring = keyring(person)
        functions = pkcs7_functions(self.ring, validator, lambda: NOW)
        self.functions = {function.name: function for function in functions}

    async def __call__(
        self, name: str, *arguments: str, caller: Caller = PAGE
    ) -> Mapping[str, Any]:
        return await self.functions[name](caller, arguments)

    async def refused(self, name: str, *arguments: str, caller: Caller = PAGE) -> str:
        with pytest.raises(CallRefusedError) as caught:
            await self(name, *arguments, caller=caller)
        return caught.value.name

    def load(self) -> str:
        return self.ring.load(PAGE, closed())


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    running = Page(User(), trust())
    yield running
    await running.ring.close()


@pytest.fixture
async def without_truststore() -> AsyncIterator[Page]:
    running = Page(User(), None)
    yield running
    await running.ring.close()


@pytest.mark.parametrize("detached", ["yes", "no", "", None])
async def test_a_signature(page: Page, detached: str | None) -> None:
    key_id = page.load()
    more = () if detached is None else (detached,)
    reply = await page("create_pkcs7", text(DOCUMENT), key_id, *more)
    assert [question.purpose for question in page.person.asked] == [Purpose.SIGNATURE]
    message = b64decode(reply["pkcs7_64"])
    verdict = judged(message, DOCUMENT if detached == "yes" else None)
    assert verdict.failed is None
    assert (verdict.content is None) == (detached == "yes")
    (only,) = verdict.signers
    assert only.signer.signing_time == NOW
    assert reply["signer_serial_number"] == owner().leaf.serial_hex
    assert reply["signature_hex"] == only.signer.signature.hex()


async def test_what_is_not_signed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    key_id = page.load()
    assert await page.refused("create_pkcs7", "YQ==", key_id, "maybe") == "bad_detached"
    assert await page.refused("create_pkcs7", "YQ=", key_id) == "not_base64"
    assert await page.refused("create_pkcs7", "é", key_id) == "not_base64"
    assert await page.refused("create_pkcs7", "YQ==", "0" * 32) == "key_not_found"
    assert await page.refused("create_pkcs7", "YQ==", "idcard") == "key_id_unsuitable"
    assert await page.refused("create_pkcs7", "YQ==", key_id, caller=OTHER) == "key_not_found"
    monkeypatch.setattr(module, "MAX_DOCUMENT_SIZE", 3)
    assert await page.refused("create_pkcs7", "YWFhYQ==", key_id) == "too_large"
    assert page.person.asked == []


async def test_a_key_that_is_forgotten_on_the_way(page: Page) -> None:
    key_id = page.load()
    identity = await page.ring.identity(PAGE, key_id, purpose=Purpose.SIGNATURE)
    identity.private_key.wipe()
    assert await page.refused("create_pkcs7", "YQ==", key_id) == "key_not_found"


async def test_a_second_signer_of_a_message_with_its_document(page: Page) -> None:
    first = made(DOCUMENT).der
    reply = await page("append_pkcs7_attached", text(first), page.load())
    both = b64decode(reply["pkcs7_64"])
    serials = [verdict.signer.serial_hex for verdict in holds(both)]
    assert serials == [signer().leaf.serial_hex, owner().leaf.serial_hex]
    assert reply["signer_serial_number"] == serials[1]
    assert parse_signed_data(both).signers[1].signature.hex() == reply["signature_hex"]
    assert parse_signed_data(both).content == DOCUMENT


async def test_a_second_signer_of_a_detached_message(page: Page) -> None:
    first = made(DOCUMENT, detached=True).der
    reply = await page("append_pkcs7_detached", text(DOCUMENT), text(first), page.load())
    both = b64decode(reply["pkcs7_64"])
    assert len(holds(both, DOCUMENT)) == 2
    assert parse_signed_data(both).content is None


async def test_to_what_nobody_is_added(page: Page) -> None:
    key_id = page.load()
    attached, detached = text(made(DOCUMENT).der), text(made(DOCUMENT, detached=True).der)
    append = ("append_pkcs7_attached", "append_pkcs7_detached")
    assert await page.refused(append[0], detached, key_id) == "bad_message"
    assert await page.refused(append[0], text(b"x"), key_id) == "bad_message"
    assert await page.refused(append[0], "*", key_id) == "not_base64"
    assert await page.refused(append[1], text(DOCUMENT), attached, key_id) == "bad_message"
    assert await page.refused(append[1], text(b"x"), detached, key_id) == "wrong_document"
    assert page.person.asked == []  # the user need not see what cannot be done
    assert await page.refused(append[0], attached, "ckc") == "key_id_unsuitable"


async def test_a_time_stamp_beside_a_signature(page: Page) -> None:
    signed = made(DOCUMENT)
    serial = signer().leaf.serial_hex
    stamp = text(token(signed.signature))
    reply = await page("attach_timestamp_token_pkcs7", text(signed.der), serial, stamp)
    (verdict,) = holds(b64decode(reply["pkcs7_64"]))
    assert verdict.stamp is not None
    assert verdict.stamp.failed is None


async def test_a_time_stamp_that_does_not_fit(page: Page) -> None:
    signed = made(DOCUMENT)
    message, serial = text(signed.der), signer().leaf.serial_hex
    stamp = text(token(signed.signature))
    attach = "attach_timestamp_token_pkcs7"
    other = text(token(b"another signature"))
    assert await page.refused(attach, message, serial, other) == "bad_time_stamp"
    assert await page.refused(attach, message, serial, text(b"x")) == "bad_time_stamp"
    for strange in ("1", "", "xyz", "-1", "f" * 200, "٣"):
        assert await page.refused(attach, message, strange, stamp) == "no_such_signer"
    assert await page.refused(attach, text(b"x"), serial, stamp) == "bad_message"
    assert await page.refused(attach, message, serial, "A" * 100_000) == "too_large"


async def test_who_has_signed(page: Page) -> None:
    signed = made(DOCUMENT)
    stamp = text(token(signed.signature))
    serial = signer().leaf.serial_hex
    message = (await page("attach_timestamp_token_pkcs7", text(signed.der), serial, stamp))[
        "pkcs7_64"
    ]
    info = (await page("get_pkcs7_attached_info", message, ""))["pkcs7Info"]
    assert b64decode(info["documentBase64"]) == DOCUMENT
    (one,) = info["signers"]
    assert one["signerId"]["subjectSerialNumber"] == serial
    assert one["certificate"][0]["serialNumber"] == serial
    assert one["signature"] == signed.signature.hex()
    for name in ("verified", "certificateVerified", "certificateValidAtSigningTime"):
        assert one[name] is one["timeStampInfo"][name] is True
    assert "exception" not in one
    reply = await page("verify_pkcs7_attached", message)
    assert (reply["valid"], reply["pkcs7Info"]) == (True, info)


async def test_of_a_detached_message(page: Page) -> None:
    message = text(made(DOCUMENT, detached=True).der)
    info = (await page("get_pkcs7_detached_info", text(DOCUMENT), message))["pkcs7Info"]
    assert "documentBase64" not in info
    assert [one["verified"] for one in info["signers"]] == [True]
    assert (await page("verify_pkcs7_detached", text(DOCUMENT), message, "x", "y"))["valid"] is True
    info = (await page("get_pkcs7_detached_info", text(b"x"), message))["pkcs7Info"]
    (one,) = info["signers"]
    assert one["verified"] is False
    assert "not the one that was signed" in one["exception"]
    assert await page.refused("verify_pkcs7_detached", text(b"x"), message) == "not_valid"
    assert await page.refused("verify_pkcs7_attached", message) == "bad_message"
    assert await page.refused("get_pkcs7_attached_info", text(b"x")) == "bad_message"


async def test_a_signer_whom_nobody_trusts(page: Page) -> None:
    message = text(made(DOCUMENT, user(stranger())).der)
    (one,) = (await page("get_pkcs7_attached_info", message))["pkcs7Info"]["signers"]
    assert one["verified"] is True
    assert one["certificateVerified"] is False
    assert one["exception"]
    assert await page.refused("verify_pkcs7_attached", message) == "not_valid"


async def test_without_a_truststore(without_truststore: Page) -> None:
    page = without_truststore
    message = text(made(DOCUMENT).der)
    (one,) = (await page("get_pkcs7_attached_info", message))["pkcs7Info"]["signers"]
    assert one["verified"] is True
    assert one["certificate"]
    assert not {"certificateVerified", "certificateValidAtSigningTime", "exception"} & set(one)
    detached = text(made(DOCUMENT, detached=True).der)
    (one,) = (await page("get_pkcs7_detached_info", text(b"x"), detached))["pkcs7Info"]["signers"]
    assert one["verified"] is False
    assert "not the one that was signed" in one["exception"]
    assert await page.refused("verify_pkcs7_attached", message) == "no_truststore"
    assert await page.refused("verify_pkcs7_detached", text(DOCUMENT), detached) == "no_truststore"
