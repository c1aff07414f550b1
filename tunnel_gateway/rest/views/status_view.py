"""The status of a certificate as the guide shows it: the OCSP answer, its times, a revocation."""

from __future__ import annotations

import functools
from base64 import b64encode
from typing import Final

from tunnel_gateway.pki.status.ocsp_parts import basic_response
from tunnel_gateway.pki.status.standing import Knowledge, Standing
from tunnel_gateway.rest.views.certificate_view import View
from tunnel_gateway.rest.views.local_times import times

# The answers about the signers and the authorities of the last hour, with their texts: 10 MB at
# most. The usual answer has two kilobytes, and a longer one than this is not kept.
_ANSWERS: Final = 1024
_MAX_KEPT: Final = 4096


def status_fields(standing: Standing | None) -> View:
    """Return OCSPResponse and the times of the status. A status from a list has no OCSPResponse.

    As in the guide, it is the BasicOCSPResponse: all that the responder signed, without the
    wrapping that says "successful".
    """
    if standing is None:
        return {}
    answer = standing.answer
    return {
        **({} if answer is None else {"OCSPResponse": _shown(answer)}),
        **times(statusUpdatedAt=standing.updated_at, statusNextUpdateAt=standing.next_update_at),
    }


def _shown(answer: bytes) -> str:
    return _kept_text(answer) if len(answer) <= _MAX_KEPT else _text(answer)


def _text(answer: bytes) -> str:
    return b64encode(basic_response(answer)).decode()


_kept_text = functools.lru_cache(_ANSWERS)(_text)


def revocation_fields(standing: Standing | None) -> View:
    """Return revokedStatusInfo if the certificate is revoked or suspended (certificateHold)."""
    if standing is None or standing.knowledge is not Knowledge.REVOKED:
        return {}
    reason = {} if standing.reason is None else {"crlReason": standing.reason}
    return {"revokedStatusInfo": {**times(revocationTime=standing.revoked_at), **reason}}
