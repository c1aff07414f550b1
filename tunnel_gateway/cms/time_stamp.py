"""Time stamps (RFC 3161): the request, the authority's answer, and what a token proves.

A token is a signed message whose content says: this digest existed at this time. E-IMZO puts it
beside a signature, and the digest is that of the signature's bytes (RFC 3161, appendix A).

Only the authority has signed a token, and anyone can put any token beside a signature. So a token
is hostile until it is verified.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final

from asn1crypto import tsp, x509

from tunnel_gateway.cms.signed_data import (
    MAX_ATTRIBUTES,
    SignedData,
    malformed,
    parse_signed_data,
)
from tunnel_gateway.cms.signer_checks import (
    certificate_of,
    chain_of,
    check_signature,
    check_valid_at,
)
from tunnel_gateway.errors import SignedDataError, TimeStampError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates import names
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber
from tunnel_gateway.pki.encoding.der import dotted, load_der, malformed_as
from tunnel_gateway.pki.encoding.oids import DIGEST_OIDS, Family
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer

TST_INFO_OID: Final = "1.2.840.113549.1.9.16.1.4"
# A token has three kilobytes with its certificates.
MAX_ANSWER_SIZE: Final = 64 * 1024
NONCE_SIZE: Final = 16
_MAX_REASON: Final = 200

_GRANTED: Final = frozenset({"granted", "granted_with_mods"})
_DIRECTORY_NAME: Final = 4
# RFC 2634 and RFC 5035: the signer names their certificate by its digest.
_HASHES: Final = frozenset({"sha1", "sha256", "sha384", "sha512"})
SIGNING_CERTIFICATE_OID: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2_OID: Final = "1.2.840.113549.1.9.16.2.47"


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A token that is well-formed. Whether it proves anything is not said here.

    ``time`` is aware, in UTC. ``message_imprint`` (32 bytes) is the digest of what was stamped, by
    the algorithm ``hash_algorithm``, and ``policy`` the authority's, both dotted identifiers.
    ``authority_name`` is the GeneralName's tag and value as the vendor's software prints them
    (``6: http://…``). ``nonce`` and ``authority_name`` are None if the token does not have them.
    """

    policy: str
    hash_algorithm: str
    message_imprint: bytes
    serial: int
    time: datetime
    nonce: int | None
    authority_name: str | None
    signed: SignedData


@dataclass(frozen=True, slots=True)
class VerifiedTimeStamp:
    """A token that proves its time, the ``certificate`` of its authority, and the path of that."""

    stamp: TimeStamp
    certificate: Certificate
    peer: VerifiedPeer


def make_request(signature: bytes, family: Family, nonce: bytes) -> bytes:
    """Return the DER of a request to stamp a signature; ``nonce`` is `NONCE_SIZE` fresh bytes."""
    request = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": {"algorithm": family.digest_oid},
            "hashed_message": digest(signature),
        },
        "nonce": int.from_bytes(nonce, "big"),
        "cert_req": True,
    }
    return bytes(tsp.TimeStampReq(request).dump())


def read_answer(data: bytes, signature: bytes, nonce: bytes) -> bytes:
    """Return the token in an authority's answer, which is about this signature and request.

    The token is not verified yet. Raises TimeStampError if the authority refused, if the answer is
    malformed, or if it is the answer to another request.
    """
    if len(data) > MAX_ANSWER_SIZE:
        raise TimeStampError(
            f"an answer of {len(data)} bytes from the time stamp authority;"
            f" {MAX_ANSWER_SIZE} is the limit"
        )
    try:
        with malformed_as(malformed):
            status, *token = ber.read(data).children(2)
            _refuse_failure(load_der(tsp.PKIStatusInfo, bytes(status.whole)))
            if not token:
                raise ValueError("no token")
            stamp = parse_time_stamp(bytes(token[0].whole))
    except TimeStampError:
        raise
    except SignedDataError as error:
        raise TimeStampError(f"the answer of the time stamp authority: {error}") from error
    check_imprint(stamp, signature)
    if stamp.nonce != int.from_bytes(nonce, "big"):
        raise TimeStampError("the time stamp authority answered another request (other nonce)")
    return bytes(token[0].whole)


def parse_time_stamp(token: bytes) -> TimeStamp:
    """Read exactly one token; the only error raised is SignedDataError."""
    signed = parse_signed_data(token, TST_INFO_OID)
    if signed.content is None:
        raise SignedDataError("malformed: a time stamp without content")
    with malformed_as(malformed):
        info = load_der(tsp.TSTInfo, signed.content)
        _ = info.native  # reads every part, so that nothing malformed is met later
        if info["version"].native != "v1":
            raise ValueError("a time stamp not of version 1")
        if any(extension["critical"].native for extension in info["extensions"]):
            raise ValueError("a critical extension in a time stamp, and none is known here")
        imprint = info["message_imprint"]
        time = info["gen_time"].native
        name = info["tsa"]
        return TimeStamp(
            policy=info["policy"].dotted,
            hash_algorithm=imprint["hash_algorithm"]["algorithm"].dotted,
            message_imprint=imprint["hashed_message"].native,
            serial=info["serial_number"].native,
            time=time.astimezone(UTC),
            nonce=info["nonce"].native,
            authority_name=_name_text(name) if name.native is not None else None,
            signed=signed,
        )


def verify_time_stamp(
    stamp: TimeStamp, signature: bytes, validator: ChainValidator
) -> VerifiedTimeStamp:
    """Check that a token proves when a signature existed.

    Whether the authority's certificate is revoked is not checked. Raises TimeStampError or
    BadSignedDataError if the token is not about this signature or not genuine, SignedDataError if
    its certificate is not in it, and CertificateError if the certificate is not accepted at the
    token's time.
    """
    check_imprint(stamp, signature)
    certificate = check_token(stamp)
    check_valid_at(certificate, stamp.time)
    chain = chain_of(certificate, stamp.signed.certificates)
    peer = validator.verify_time_stamp_authority(chain, stamp.time)
    return VerifiedTimeStamp(stamp, certificate, peer)


def check_imprint(stamp: TimeStamp, signature: bytes) -> None:
    """Raise TimeStampError unless the token is about this signature."""
    if stamp.hash_algorithm not in DIGEST_OIDS:
        raise TimeStampError(
            f"a time stamp by the digest {stamp.hash_algorithm}, not a national one"
        )
    if not compare_digest(stamp.message_imprint, digest(signature)):
        raise TimeStampError("the time stamp is for another signature")


def check_token(stamp: TimeStamp) -> Certificate:
    """Return the certificate of the authority that signed the token.

    Raises TimeStampError unless exactly one has signed it (RFC 3161, 2.4.2) and means this
    certificate, BadSignedDataError if the signature is wrong, SignedDataError if the certificate
    is not in the token.
    """
    signed = stamp.signed
    if len(signed.signers) != 1 or signed.content is None:
        raise TimeStampError("a time stamp must have exactly one signer")
    (signer,) = signed.signers
    certificate = certificate_of(signer, signed.certificates)
    check_signature(signer, certificate, digest(signed.content))
    with malformed_as(malformed):
        named = _named_digests(signer.signed_attributes)
    # RFC 3161 demands one of these attributes, against another certificate of the same key. Such a
    # certificate would have to pass validation too, so a token without them is accepted.
    if any(_certificate_digest(algorithm, certificate) != value for algorithm, value in named):
        raise TimeStampError("the time stamp is signed with another certificate than it names")
    return certificate


def _certificate_digest(algorithm: str, certificate: Certificate) -> bytes:
    if algorithm in DIGEST_OIDS:
        return digest(certificate.der)
    if algorithm in _HASHES:
        return hashlib.new(algorithm, certificate.der).digest()
    raise TimeStampError(f"the time stamp names its certificate by the digest {algorithm}")


def _refuse_failure(status: Any) -> None:
    if status["status"].native in _GRANTED:
        return
    reasons = [*sorted(status["fail_info"].native or ()), *(status["status_string"].native or ())]
    detail = "; ".join([status["status"].native, *reasons])[:_MAX_REASON]
    raise TimeStampError(f"the time stamp authority refuses: {detail}")


def _name_text(name: Any) -> str:
    chosen = name.chosen
    if isinstance(chosen, x509.Name):
        return f"{_DIRECTORY_NAME}: {names.distinguished_name(chosen.untag().dump())}"
    return f"{chosen.tag}: {chosen.native}"


def _named_digests(signed_attributes: bytes) -> list[tuple[str, bytes]]:
    """Return algorithm and digest of each certificate that the signer names as their own."""
    named = []
    for attribute in ber.read(signed_attributes).children(MAX_ATTRIBUTES):
        kind, values = attribute.children(2)
        oid = dotted(bytes(kind.contents))
        if oid not in (SIGNING_CERTIFICATE_OID, SIGNING_CERTIFICATE_V2_OID):
            continue
        (value,) = values.children(1)
        second = oid == SIGNING_CERTIFICATE_V2_OID
        structure = tsp.SigningCertificateV2 if second else tsp.SigningCertificate
        first = load_der(structure, bytes(value.whole))["certs"][0]  # the others are of its chain
        algorithm = first["hash_algorithm"]["algorithm"].native if second else "sha1"
        named.append((algorithm, first["cert_hash"].native))
    return named
