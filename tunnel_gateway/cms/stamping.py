"""Stamping times as an authority does (RFC 3161), for development: a request in, an answer out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from asn1crypto import tsp, x509

from tunnel_gateway.cms.frame import Frame
from tunnel_gateway.cms.signed_data import attribute, malformed
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.cms.time_stamp import SIGNING_CERTIFICATE_V2_OID, TST_INFO_OID
from tunnel_gateway.errors import SignedDataError
from tunnel_gateway.gost.digest import DIGEST_SIZE
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.der import load_der, malformed_as
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS
from tunnel_gateway.pki.files.keyfiles import Identity

MAX_REQUEST_SIZE: Final = 4096
_SERIAL_SIZE: Final = 8


def answer_request(
    data: bytes,
    identity: Identity,
    *,
    policy: str,
    time: datetime,
    entropy: Callable[[int], bytes],
    address: str | None = None,
) -> bytes:
    """Return the DER answer to a request: a token by ``identity``, or a refusal with its reason.

    ``policy`` is the dotted identifier of the authority's policy, ``time`` an aware moment that is
    stamped to the second. The token names the ``address`` of the authority, if there is one. The
    certificates go into the token if the request asks for them (RFC 3161, 2.4.1).
    """
    try:
        request = _read_request(data)
    except SignedDataError as error:
        return _refusal("bad_data_format", str(error))
    imprint = request["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].dotted not in DIGEST_OIDS:
        return _refusal("bad_alg", "only the national digests are stamped")
    if len(imprint["hashed_message"].native) != DIGEST_SIZE:
        return _refusal("bad_data_format", "the digest is of another length")
    if request["req_policy"].native not in (None, policy):
        return _refusal("unaccepted_policy", f"the policy here is {policy}")
    info = {
        "version": "v1",
        "policy": policy,
        "message_imprint": imprint,
        "serial_number": int.from_bytes(entropy(_SERIAL_SIZE), "big") >> 1,
        "gen_time": time.astimezone(UTC).replace(microsecond=0),
    }
    if request["nonce"].native is not None:
        info["nonce"] = request["nonce"]
    if address is not None:
        info["tsa"] = x509.GeneralName(name="uniform_resource_identifier", value=address)
    token = sign_data(
        identity.private_key,
        [certificate.der for certificate in identity.chain],
        identity.leaf.family,
        tsp.TSTInfo(info).dump(),
        detached=False,
        signing_time=time,
        entropy=entropy,
        content_type=TST_INFO_OID,
        more_attributes=[_signing_certificate(identity.leaf.der)],
    )
    whole = token.der
    if not request["cert_req"].native:
        whole = replace(Frame.read(whole), certificates=()).write()
    status = tsp.PKIStatusInfo({"status": "granted"}).dump()
    return ber.write(tags.SEQUENCE, status + whole)


def _read_request(data: bytes) -> tsp.TimeStampReq:
    if len(data) > MAX_REQUEST_SIZE:
        raise SignedDataError(f"a request of {len(data)} bytes; {MAX_REQUEST_SIZE} is the limit")
    with malformed_as(malformed):
        request = load_der(tsp.TimeStampReq, data)
        _ = request.native  # reads every part, so that nothing malformed is met later
    return request


def _refusal(failure: str, text: str) -> bytes:
    status = tsp.PKIStatusInfo(
        {"status": "rejection", "status_string": [text], "fail_info": {failure}}
    )
    return ber.write(tags.SEQUENCE, bytes(status.dump()))


def _signing_certificate(der: bytes) -> bytes:
    """Return the attribute that names the signer's certificate (RFC 5035)."""
    value = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(der).digest()}]})
    return attribute(SIGNING_CERTIFICATE_V2_OID, bytes(value.dump()))
