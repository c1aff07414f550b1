"""The facts in certificates, for `pki show`: for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunnel_gateway.gateway.policy import rule_values
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.trust.paths import is_issued_by


@dataclass(frozen=True, slots=True)
class Facts:
    """A certificate, and the certificate of its issuer if it is known."""

    certificate: Certificate
    issuer: Certificate | None

    @property
    def rules(self) -> dict[str, str]:
        """The values that name the certificate's owner in the rules of a destination.

        A centre is named as the issuer of others. A serial number has several forms; this is the
        longest, which an allow rule takes too.
        """
        if self.certificate.is_ca:
            return {"issuer": self.certificate.key_id}
        values = rule_values(self.certificate, self.issuer)
        values["serial"] = frozenset({max(values["serial"], key=len)})
        return {kind: ",".join(sorted(known)) for kind, known in values.items() if known}


def facts(certificates: Sequence[Certificate]) -> list[Facts]:
    """Return the facts of each certificate, in order; the issuers are searched among them."""
    return [
        Facts(
            certificate,
            next((other for other in certificates if is_issued_by(certificate, other)), None),
        )
        for certificate in certificates
    ]


def plain(known: Facts) -> dict[str, Any]:
    """Return the facts for JSON, under the names of the vendor's server if it has such a name."""
    certificate = known.certificate
    return {
        "serialNumber": certificate.serial_hex,
        "subjectName": certificate.subject,
        "issuerName": certificate.issuer,
        "validFrom": certificate.not_before.isoformat(),
        "validTo": certificate.not_after.isoformat(),
        "commonName": certificate.common_name,
        "pinfl": certificate.pinfl,
        "inn": certificate.inn,
        "uid": certificate.uid,
        "keyAlgName": certificate.family.name,
        "curve": certificate.public_key.curve.name,
        "publicKey": certificate.public_key.encoded.hex(),
        "signAlgName": certificate.signature_algorithm,
        "dnsNames": list(certificate.dns_names),
        "keyUsage": _sorted(certificate.key_usage),
        "extKeyUsage": _sorted(certificate.extended_key_usage),
        "policies": _sorted(certificate.policies),
        "isCA": certificate.is_ca,
        "pathLength": certificate.path_length,
        "ocsp": list(certificate.ocsp_urls),
        "crl": list(certificate.crl_urls),
        "sha256": certificate.fingerprint,
        "rules": known.rules,
    }


def _sorted(values: Any) -> list[str] | None:
    return None if values is None else sorted(values)


def text(known: Facts) -> str:
    """Return the facts as lines for people, the rules last."""
    shown = plain(known)
    shown["validFrom"] = format_time(known.certificate.not_before)
    shown["validTo"] = format_time(known.certificate.not_after)
    shown |= {f"rule {kind}": value for kind, value in shown.pop("rules").items()}
    lines = []
    for name, value in shown.items():
        if value is None or value == []:
            continue
        words = ", ".join(value) if isinstance(value, list) else value
        lines.append(f"{name:<13} {escaped(str(words))}")
    return "\n".join(lines)
