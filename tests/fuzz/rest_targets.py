"""The readers of the REST service, and its views of what strangers have made."""

from __future__ import annotations

import functools
import json
from base64 import b64encode

from tests.support import messages, stamps
from tests.support.pki import NOW, authority, ders, user
from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.rest.answers import success
from tunnel_gateway.rest.outcomes import signer_outcome
from tunnel_gateway.rest.views.certificate_view import CertificateViews
from tunnel_gateway.rest.views.chain_view import chain_view
from tunnel_gateway.rest.views.signer_view import signer_view


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
