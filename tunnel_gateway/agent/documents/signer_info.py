"""Signers of a message as pages get them: ``pkcs7Info``, with the names of section 2.2.4.

The vendor's server uses these names too. Without a truststore nothing is said of
certificates, and in no case of their revocation.
"""

from __future__ import annotations

from collections.abc import Mapping

from tunnel_gateway.agent.base64_fields import to_base64
from tunnel_gateway.agent.keys.certificate_info import certificate_info, local_time
from tunnel_gateway.cms.shown_certificates import ShownCertificates
from tunnel_gateway.cms.signed_data import SignedData, Signer
from tunnel_gateway.cms.signer_checks import check_digest, check_signature
from tunnel_gateway.cms.verdicts import MessageVerdict, SignerVerdict, TimeStampVerdict
from tunnel_gateway.errors import SignedDataError, TunnelGatewayError
from tunnel_gateway.kept_errors import let_go
from tunnel_gateway.pki.certificates.certificate import Certificate

Info = Mapping[str, object]


def judged_info(verdict: MessageVerdict) -> Info:
    """Return ``pkcs7Info`` of a message that was judged by the truststore."""
    return _info(verdict.content, [_judged(signer) for signer in verdict.signers])


def unproven_info(message: SignedData, digest: bytes) -> Info:
    """Return ``pkcs7Info`` without a truststore; ``digest`` (32 bytes) is that of the document.

    Raises SignedDataError if nobody has signed the message.
    """
    if not message.signers:
        raise SignedDataError("nobody has signed it")
    shown = ShownCertificates(message.certificates)
    signers = [_unproven(signer, shown, digest) for signer in message.signers]
    return _info(message.content, signers)


def _info(content: bytes | memoryview | None, signers: list[Info]) -> Info:
    inside = {} if content is None else {"documentBase64": to_base64(content)}
    return {"signers": signers, **inside}


def _unproven(signer: Signer, shown: ShownCertificates, digest: bytes) -> Info:
    chain: tuple[Certificate, ...] = ()
    fault: TunnelGatewayError | None = None
    try:
        chain = _certificates(shown.chain(shown.of_signer(signer)))
        check_digest(signer, digest)
        check_signature(signer, chain[0])
    except TunnelGatewayError as error:
        let_go(error)
        fault = error
    return {**_said(signer, chain), "verified": fault is None, **_exception(fault)}


def _certificates(chain: list[bytes]) -> tuple[Certificate, ...]:
    """Read a chain; the issuers that are not certificates of ours are left out."""
    leaf = Certificate.from_der(chain[0])
    issuers = []
    for der in chain[1:]:
        try:
            issuers.append(Certificate.from_der(der))
        except TunnelGatewayError as error:
            let_go(error)
    return (leaf, *issuers)


def _judged(verdict: SignerVerdict) -> Info:
    chain = verdict.chain
    stamp = {} if verdict.stamp is None else {"timeStampInfo": _stamp(verdict.stamp)}
    return {
        **_said(verdict.signer, () if chain is None else chain.certificates),
        **stamp,
        "verified": verdict.verified,
        "certificateVerified": chain is not None and chain.peer is not None,
        "certificateValidAtSigningTime": chain is not None and chain.valid_at_time,
        **_exception(verdict.fault),
    }


def _said(signer: Signer, certificates: tuple[Certificate, ...]) -> Info:
    """Return the fields that the message itself says; ``certificates`` is leaf first."""
    issuer = {"issuer": certificates[0].issuer} if certificates else {}
    time = signer.signing_time
    return {
        "signerId": {**issuer, "subjectSerialNumber": signer.serial_hex},
        **({} if time is None else {"signingTime": local_time(time)}),
        "signature": signer.signature.hex(),
        "digest": signer.message_digest.hex(),
        "certificate": [certificate_info(certificate) for certificate in certificates],
    }


def _stamp(verdict: TimeStampVerdict) -> Info:
    chain, stamp = verdict.chain, verdict.stamp
    said = (
        {}
        if stamp is None
        else {
            "time": local_time(stamp.time),
            "serialNumber": format(stamp.serial, "x"),
            "tsaPolicy": stamp.policy,
            "messageImprintDigest": stamp.message_imprint.hex(),
        }
    )
    return {
        **said,
        "certificate": [certificate_info(each) for each in (chain.certificates if chain else ())],
        "digestVerified": verdict.digest_verified,
        "verified": verdict.verified,
        "certificateVerified": chain is not None and chain.peer is not None,
        "certificateValidAtSigningTime": chain is not None and chain.valid_at_time,
        **_exception(verdict.fault),
    }


def _exception(fault: TunnelGatewayError | None) -> Info:
    return {} if fault is None else {"exception": str(fault)}
