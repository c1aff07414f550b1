"""The fields that the views of signers and of time stamps share."""

from __future__ import annotations

import contextlib

from tunnel_gateway.cms.signed_data import Signer
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.certificates.names import distinguished_name
from tunnel_gateway.rest.outcomes import Finding
from tunnel_gateway.rest.views.certificate_view import View


def signer_id(signer: Signer, certificate: Certificate | None) -> View:
    """Return which certificate a signer means. ``certificate`` is that one, if it is at hand.

    Without the certificate the name comes from a stranger: if it cannot be read, it is left out.
    """
    fields: View = {}
    if certificate is not None:
        fields["issuer"] = certificate.issuer
    else:
        with contextlib.suppress(ValueError):
            fields["issuer"] = distinguished_name(signer.issuer)
    fields["subjectSerialNumber"] = signer.serial_hex
    return fields


def exception_field(finding: Finding | None) -> View:
    """Return the field that says what is wrong, in English; nothing if nothing is wrong."""
    if finding is None:
        return {}
    detail = f": {finding.detail}" if finding.detail else ""
    return {"exception": f"{finding.reason}{detail}"}
