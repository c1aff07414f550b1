"""``POST /backend/certificate/status``: a certificate alone. It is not in the guide.

The body is the certificate in DER, in Base64. Certificates of centres that the truststore does not
have stand behind it: DER behind DER, the leaf first. The certificate may be that of a user, a
domain, a time stamp authority or a centre.

With ``?serial=218711a92`` the first certificate of the body is that of the issuer, and the serial
number (in hexadecimal) names a certificate that the caller does not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from tunnel_gateway.cms.judging import judge_certificate
from tunnel_gateway.cms.verdicts import ChainVerdict
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.pki.certificates.certificate import label
from tunnel_gateway.pki.encoding import der, tags
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH, MAX_CHAIN_SIZE
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.outcomes import CertificateOutcome, Finding, chain_outcome, serial_finding
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal
from tunnel_gateway.rest.verification import Verifier
from tunnel_gateway.rest.views.certificate_view import View
from tunnel_gateway.rest.views.chain_view import ChainView, chain_view
from tunnel_gateway.rest.views.signer_id import exception_field
from tunnel_gateway.rest.views.status_view import revocation_fields, status_fields

_SERIAL: Final = re.compile(r"[0-9a-fA-F]{1,40}")  # RFC 5280, 4.1.2.2: at most 20 bytes
_WANTED: Final = "one certificate in DER, and behind it those of its centres"


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """Says whether a certificate is valid now, and shows the proof."""

    verifier: Verifier

    path: ClassVar[str] = "/backend/certificate/status"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(("certificate",))

    async def answer(self, call: Call) -> Fields:
        """Return certificateInfo. Raises Refusal if the certificate is not valid now."""
        (body,) = call.parts
        serial = _read_serial(call.query)
        verdict, chain = await self.verifier.threads.run(
            call.caller, len(body), self._examine, body
        )
        standings = await self.verifier.standings_of(verdict)
        outcome, finding = chain_outcome(verdict, standings)
        if serial is None:
            info = _of_certificate(verdict, outcome)
        else:
            standing = None
            if finding is None and not verdict.certificate.may_issue:
                detail = f"{verdict.certificate.label} is not that of an issuer"
                finding = Finding(Reason.CERTIFICATE_UNSUITABLE, detail)
            if finding is None and verdict.peer is not None:
                standing = await self.verifier.statuses.of_serial(serial, verdict.peer)
                finding = serial_finding(label(serial, verdict.certificate.subject), standing)
            info = _of_serial(serial, standing, verified=finding is None)
        info = {
            "certificate": chain.certificates,
            **info,
            **chain.trusted_field,
            **exception_field(finding),
        }
        if finding is not None:
            raise Refusal(finding.reason, finding.detail, {"certificateInfo": info})
        return {"certificateInfo": info}

    def _examine(self, body: bytes) -> tuple[ChainVerdict, ChainView]:
        chain = read_chain(body)
        verifier = self.verifier
        try:
            verdict = judge_certificate(chain, verifier.validator, verifier.clock())
        except CertificateError as error:
            raise Refusal(Reason.CERTIFICATE_UNSUITABLE, str(error)) from None
        return verdict, chain_view(verdict, chain, verifier.views)


def _of_certificate(verdict: ChainVerdict, outcome: CertificateOutcome) -> View:
    policies = verdict.certificate.policies
    return {
        **status_fields(outcome.standing),
        "certificateVerified": outcome.verified,
        "certificateValid": outcome.valid_at_time,
        **revocation_fields(outcome.standing),
        **({} if policies is None else {"policyIdentifiers": list(policies)}),
    }


def _of_serial(serial: int, standing: Standing | None, *, verified: bool) -> View:
    """Nobody has seen the certificate: whether it has expired is not known."""
    return {
        "serialNumber": format(serial, "x"),
        **status_fields(standing),
        "certificateVerified": verified,
        **revocation_fields(standing),
    }


def _read_serial(query: Mapping[str, str]) -> int | None:
    text = query.get("serial")
    if text is None:
        return None
    if not _SERIAL.fullmatch(text) or not int(text, 16):
        raise Refusal(
            Reason.BAD_BODY, "serial must be a serial number in hexadecimal, such as 218711a92"
        )
    return int(text, 16)


def read_chain(body: bytes) -> list[bytes]:
    """Split certificates that stand behind each other. Raises Refusal for anything else."""
    if len(body) > MAX_CHAIN_SIZE:
        raise Refusal(
            Reason.BAD_BODY, f"{len(body)} bytes; a chain may have {MAX_CHAIN_SIZE}: send {_WANTED}"
        )
    try:
        values = der.values(body, MAX_CHAIN_LENGTH)
    except ValueError as error:
        raise Refusal(Reason.BAD_BODY, f"{error}; send {_WANTED}") from None
    if not values or any(value.tag != tags.SEQUENCE for value in values):
        raise Refusal(Reason.BAD_BODY, f"it is not a certificate; send {_WANTED}")
    return [value.whole for value in values]
