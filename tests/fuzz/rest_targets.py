"""The readers of the REST service, and its views of what strangers have made."""

from __future__ import annotations

import functools
import json
from base64 import b64encode
from contextlib import suppress
from typing import Final
from urllib.parse import quote_from_bytes, urlencode

from tests.support import messages, stamps
from tests.support.pki import NOW, authority, ders, user
from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.rest.answers import success
from tunnel_gateway.rest.bodies import Base64Body, Body, RawBody
from tunnel_gateway.rest.forms import MAX_FIELDS, FormBody
from tunnel_gateway.rest.methods.verify_digest import read_digest
from tunnel_gateway.rest.outcomes import signer_outcome
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.rest.views.certificate_view import CertificateViews
from tunnel_gateway.rest.views.chain_view import chain_view
from tunnel_gateway.rest.views.signer_view import signer_view

# Of the document; a message may be longer. No body of the fuzzer is.
_BODY_LIMIT: Final = 64 * 1024


@functools.cache
def _trust() -> ChainValidator:
    return ChainValidator([authority().root.leaf])


def show_message(data: bytes) -> None:
    """Judge a message and write the whole answer about it, as `/verify/attached` does."""
    signed = parse_signed_data(data)
    given = messages.DOCUMENT if signed.content is None else None
    verdict = judge(signed, document_digest(signed, given), _trust(), NOW)
    views = CertificateViews()
    shown = []
    for signer in verdict.signers:
        token = signer.stamp
        inside = () if token is None or token.stamp is None else token.stamp.signed.certificates
        chains = (
            chain_view(signer.chain, signed.certificates, views),
            chain_view(token.chain if token else None, inside, views),
        )
        shown.append(signer_view(signer_outcome(signer, ()), *chains))
    json.loads(b"".join(success({"pkcs7Info": {"signers": shown}}).pieces()))


def message_seeds() -> list[bytes]:
    """Messages with a time stamp, without one, and of a stranger."""
    made = messages.made()
    stamped = stamp(made.der, {made.signature: stamps.token(made.signature)})
    return [made.der, stamped, messages.streamed(), messages.made(identity=user()).der]


def body_seeds() -> list[bytes]:
    """Bodies of `/verify/many`."""
    message = b64encode(messages.made().der).decode()
    one = {"pkcs7": message}
    digest = {"pkcs7": message, "digest": "00" * 32}
    document = {"pkcs7": message, "document": "AAAA"}
    return [json.dumps({"documents": entries}).encode() for entries in ([one], [digest, document])]


def chain_seeds() -> list[bytes]:
    """Bodies of `/certificate/status`, after their Base64."""
    return [b"".join(ders(user())), user().leaf.der]


def read_body(data: bytes) -> None:
    """Read the rest of the bytes as a body that comes in pieces, as the first byte says.

    However it is cut, it is the same parts or the same refusal.
    """
    how, text = data[:1] or b"\0", data[1:]
    names = (("PKCS#7",), ("document", "PKCS#7"))[how[0] % 2]
    size = 1 + how[0] // 2
    whole = _outcome(Base64Body(names, _BODY_LIMIT), [text])
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert _outcome(Base64Body(names, _BODY_LIMIT), pieces) == whole
    assert _outcome(RawBody(len(text)), pieces) == (text,)
    if isinstance(whole, Reason):
        raise Refusal(whole)
    if names[0] == "document":
        with suppress(Refusal):
            read_digest(whole[0])


def _outcome(body: Body, pieces: list[bytes]) -> tuple[bytes, ...] | Reason:
    try:
        for piece in pieces:
            body.feed(piece)
        return body.finish()
    except Refusal as refusal:
        return refusal.reason


def text_seeds() -> list[bytes]:
    """Bodies as clients write them, each whole and in pieces."""
    message = b64encode(messages.made().der)
    lines = b"\r\n".join(message[start : start + 64] for start in range(0, len(message), 64))
    url = message.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=")
    form = b"0=" + quote_from_bytes(message).encode()
    digest = b64encode(bytes(range(32)))
    one = (message, lines, url, form)
    two = (digest + b"|" + message, digest.hex().encode() + b"|" + url, form + b"%7C" + message)
    return [
        *(bytes([2 * size]) + text for text in one for size in (0, 3, 127)),
        *(bytes([2 * size + 1]) + text for text in two for size in (0, 3, 127)),
    ]


FORM = (("documentId", "x_real_ip"), ("document", "pkcs7_b64"))


def read_form(data: bytes) -> None:
    """Read the rest of the bytes as a form that comes in pieces, as long as the first byte says.

    However it is cut, it is the same fields or the same refusal. If it was read, its fields are
    read again as a client writes them that escapes everything.
    """
    how, text = data[:1] or b"\0", data[1:]
    size = 1 + how[0]
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    whole = _form_outcome([text])
    assert _form_outcome(pieces) == whole
    if isinstance(whole, Reason):
        raise Refusal(whole)
    texts, parts, came = whole
    assert len(came) <= MAX_FIELDS
    written = {name: b64encode(part) for name, part in zip(FORM[1], parts, strict=True)}
    again = _form_outcome([urlencode({**texts, **written}).encode()])
    assert not isinstance(again, Reason)
    assert again[:2] == (texts, parts)


def _form_outcome(
    pieces: list[bytes],
) -> tuple[dict[str, str], tuple[bytes, ...], list[str]] | Reason:
    body = FormBody(*FORM, _BODY_LIMIT)
    try:
        for piece in pieces:
            body.feed(piece)
        return body.texts, body.finish(), body.came
    except Refusal as refusal:
        return refusal.reason


def form_seeds() -> list[bytes]:
    """Forms as clients write them, each whole and in pieces."""
    message = b64encode(messages.made().der).decode()
    ids = {"documentId": "850FF727", "x_real_ip": "2001:db8::1"}
    escaped = urlencode({**ids, "document": "MIAG", "pkcs7_b64": message})
    raw = f"pkcs7_b64={message.replace('+', ' ')}&documentId=850FF727"
    odd = f"&%64ocument=+%2b /%0d%0A%3d&a[]=1&documentId=%D1%9E&x_real_ip&{escaped[:9]}"
    return [bytes([size]) + text.encode() for text in (escaped, raw, odd) for size in (0, 6, 255)]
