"""The status of a certificate as the guide shows it: the OCSP answer, its times, a revocation."""

from __future__ import annotations

from base64 import b64encode

from tunnel_gateway.pki.status.ocsp_parts import basic_response
from tunnel_gateway.pki.status.standing import Knowledge, Standing
from tunnel_gateway.rest.views.certificate_view import View
from tunnel_gateway.rest.views.local_times import times


def status_fields(standing: Standing | None) -> View:
    """Return OCSPResponse and the times of the status. A status from a list has no OCSPResponse.

    As in the guide, it is the BasicOCSPResponse: all that the responder signed, without the
    wrapping that says "successful".
    """
    if standing is None:
        return {}
    answer = standing.answer
    return {
        **({} if answer is None else {"OCSPResponse": b64encode(basic_response(answer)).decode()}),
        **times(statusUpdatedAt=standing.updated_at, statusNextUpdateAt=standing.next_update_at),
    }


def revocation_fields(standing: Standing | None) -> View:
    """Return revokedStatusInfo if the certificate is revoked or suspended (certificateHold)."""
    if standing is None or standing.knowledge is not Knowledge.REVOKED:
        return {}
    reason = {} if standing.reason is None else {"crlReason": standing.reason}
    return {"revokedStatusInfo": {**times(revocationTime=standing.revoked_at), **reason}}
