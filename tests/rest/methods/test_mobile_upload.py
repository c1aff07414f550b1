"""Uploads: one right one is kept, and no wrong one spoils it or says anything."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from typing import Any

import pytest

from tests.support.calls import CALLER
from tests.support.garbage import cycles
from tests.support.log_lines import read_records
from tests.support.mobile import SECONDS, STRANGER, MobileSite, call, outcome, signature, upload_of
from tests.support.pki import stranger, user
from tunnel_gateway.cms.frame import Frame
from tunnel_gateway.cms.signed_data import attribute, join_signer, split_signer
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.rest.mobile.documents import Purpose, new_document
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.working import Threads

REFUSED = (-2, "upload_refused")


def padded(message: bytes, size: int) -> bytes:
    """The message with an attribute that no signature covers."""
    frame = Frame.read(message)
    parts, unsigned = split_signer(frame.signers[0])
    unsigned.append(attribute("1.2.3.4", ber.write(tags.OCTET_STRING, bytes(size))))
    return replace(frame, signers=(join_signer(parts, unsigned),)).write()


@pytest.mark.parametrize("purpose", Purpose)
async def test_the_first_right_one_is_kept(threads: Threads, purpose: Purpose) -> None:
    site = MobileSite(threads)
    document = await site.begin(purpose)
    message = signature(document)
    assert await outcome(site.upload, upload_of(document, message)) == (1, "")
    other = signature(document, user())
    assert await outcome(site.upload, upload_of(document, other, user())) == REFUSED
    found = await site.documents.find(document.document_id)
    assert found is not None
    assert found.message == message


async def test_of_many_simultaneous_ones_one_is_kept(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    uploads = [upload_of(document, signature(document)) for _ in range(10)]
    seen = await asyncio.gather(*(outcome(site.upload, one) for one in uploads))
    assert sorted(seen) == [REFUSED] * 9 + [(1, "")]


async def test_one_user_cannot_keep_all_others_from_signing(
    threads: Threads, log: io.StringIO
) -> None:
    site, application = MobileSite(threads), replace(CALLER, own=True)
    document = await site.documents.begin(Purpose.DOCUMENT, application)
    message = padded(signature(document), 60_000)
    while await outcome(site.upload, upload_of(document, message)) == (1, ""):
        document = await site.documents.begin(Purpose.DOCUMENT, application)
    (refused,) = read_records(log.getvalue())[-1:]
    assert (refused["event"], refused["reason"]) == ("mobile_upload_refused", "too_many_calls")
    other = user()
    assert await outcome(site.upload, upload_of(document, signature(document, other), other)) == (
        1,
        "",
    )


async def test_wrong_ones_are_answered_alike_and_spoil_nothing(threads: Threads) -> None:
    site = MobileSite(threads)
    document, late, used = await site.begin(), await site.begin(), await site.uploaded()
    assert await site.documents.use(used)
    odd = user(stranger())
    message = signature(document)
    wrong = [
        upload_of("00000000", message),
        upload_of(document, signature(late)),
        upload_of(document, message[:-1] + bytes([message[-1] ^ 1])),
        upload_of(document, b"no message"),
        upload_of(document, message, serial_number="1"),
        upload_of(document, signature(document, odd), odd),
        upload_of(used, signature(used)),
    ]
    answers = []
    for one in wrong:
        with pytest.raises(Refusal) as caught:
            await site.upload.answer(one)
        refusal = caught.value
        answers.append((refusal.reason, refusal.detail, refusal.for_log, tuple(refusal.fields)))
    assert set(answers) == {(Reason.UPLOAD_REFUSED, "", "", ())}
    assert await outcome(site.upload, upload_of(document, message)) == (1, "")
    site.seconds += SECONDS + 1
    assert await outcome(site.upload, upload_of(late, signature(late))) == REFUSED


async def test_the_log_has_the_true_reason(threads: Threads, log: io.StringIO) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    odd = user(stranger())
    await outcome(site.upload, upload_of("00000000", signature(document)))
    await outcome(site.upload, upload_of(document, signature(document, odd), odd))
    await outcome(site.upload, upload_of(document, signature(document), serial_number="77"))
    await outcome(site.upload, upload_of(document, signature(document)))
    lines = read_records(log.getvalue())
    assert [line["event"] for line in lines] == ["mobile_upload_refused"] * 3 + ["mobile_upload"]
    reasons = [line.get("reason") for line in lines]
    assert reasons == ["document_unknown", "certificate_untrusted", "signature_wrong", None]
    assert "serial_number" in lines[2]["detail"]
    assert {line["phone"] for line in lines} == {"203.0.113.9"}
    assert {line["client"] for line in lines} == {CALLER.user}


async def test_guesses_stop_their_source_and_nobody_else(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    message = signature(document)
    guess = call(
        site.upload.path, message, caller=STRANGER, document_id="00000000", serial_number="1"
    )
    seen = [await outcome(site.upload, guess) for _ in range(300)]
    assert (seen[0], seen[-1]) == (REFUSED, (-429, "too_many_calls"))
    assert await outcome(site.upload, upload_of(document, message)) == (1, "")


async def test_known_uploaders_are_not_counted(threads: Threads) -> None:
    site = MobileSite(threads, counts_guesses=False)
    document = await site.begin()
    wrong = upload_of("00000000", b"no message")
    assert {await outcome(site.upload, wrong) for _ in range(500)} == {REFUSED}
    assert await outcome(site.upload, upload_of(document, signature(document))) == (1, "")


@pytest.mark.parametrize("name", ["document_id", "serial_number"])
async def test_a_field_is_missing(threads: Threads, name: str) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    right = upload_of(document, signature(document))
    asked = replace(right, texts={**right.texts, name: ""})
    with pytest.raises(Refusal, match=f"the field {name} is missing or empty; these") as caught:
        await site.upload.answer(asked)
    assert caught.value.reason is Reason.BAD_BODY


@pytest.mark.parametrize("serial", ["Aliyev Vali", "0x77", "-77", "7" * 50, "77 77"])
async def test_what_is_no_serial_number(threads: Threads, serial: str) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    asked = upload_of(document, signature(document), serial_number=serial)
    assert await outcome(site.upload, asked) == (-400, "bad_body")


async def test_the_address_of_the_phone_is_an_address(threads: Threads, log: io.StringIO) -> None:
    """Anything else that stands there, such as a name, is not for the log."""
    site = MobileSite(threads)
    for told, seen in (("203.0.113.9", "203.0.113.9"), ("[2001:db8::1]:5", "2001:db8::1")):
        document = await site.begin()
        asked = upload_of(document, signature(document), x_real_ip=told)
        assert await outcome(site.upload, asked) == (1, "")
        assert read_records(log.getvalue())[-1]["phone"] == seen
    document = await site.begin()
    asked = upload_of(document, signature(document), x_real_ip="Aliyev Vali")
    assert await outcome(site.upload, asked) == (1, "")
    assert "phone" not in read_records(log.getvalue())[-1]


async def test_the_message_is_missing(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    with pytest.raises(Refusal, match="the field pkcs7_b64 is missing or empty"):
        await site.upload.answer(upload_of(document, b""))


async def test_a_store_that_fails_is_no_guess(threads: Threads, log: io.StringIO) -> None:
    site = MobileSite(threads)

    async def away(*_: Any) -> Any:
        raise Refusal(Reason.MOBILE_STORE_AWAY)

    document = new_document(Purpose.SIGN_IN)
    site.documents.find = away  # type: ignore[method-assign, assignment]
    asked = upload_of(document, signature(document))
    assert {await outcome(site.upload, asked) for _ in range(300)} == {(-1, "mobile_store_away")}
    assert not log.getvalue()


async def test_cycles(threads: Threads) -> None:
    site = MobileSite(threads)
    document = await site.begin()
    odd = user(stranger())
    wrong = [
        upload_of("00000000", signature(document)),
        upload_of(document, b"no message"),
        upload_of(document, signature(document, odd), odd),
    ]
    for asked in wrong:
        await outcome(site.upload, asked)
    with cycles() as left:
        for asked in wrong:
            await outcome(site.upload, asked)
        await asyncio.sleep(0.01)
    assert not left, left
