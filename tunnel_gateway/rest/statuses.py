"""Why a call does not succeed: the stable reason, and the number that answers carry with it.

The guide fixes the numbers from -1 to -23. They come with HTTP 200. For every other HTTP code the
number is minus the code. One number can have several reasons, so clients that want to know more
read ``reason``. ``-20`` means one thing in `/backend/auth` and another in the verification. The
guide has tables of its own for the mobile paths, so there a reason can have another number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from tunnel_gateway.errors import TunnelGatewayError

# The answer of a method beside `status`, `message` and `reason`, in its order. The values are those
# of JSON, and `answers.Base64`.
Fields = dict[str, object]

HTTP_OK: Final = 200


class Status(IntEnum):
    """The guide's numbers: 1 is success."""

    SUCCESS = 1
    STATUS_UNKNOWN = -1  # nobody can say whether the certificate is revoked
    SIGNING_TIME = -5  # too far from the server's clock
    SIGNATURE = -10
    CERTIFICATE = -11
    CERTIFICATE_AT_SIGNING = -12  # not valid at the time that counts
    CHALLENGE = -20  # in /backend/auth
    STAMP_STATUS_UNKNOWN = -20  # in the verification
    STAMP = -21
    STAMP_CERTIFICATE = -22
    STAMP_CERTIFICATE_AT_STAMPING = -23


class MobileStatus(IntEnum):
    """The guide's numbers of the methods for phones."""

    NOT_UPLOADED = 2
    STORE = -1
    DOCUMENT = -2  # no such documentId, or its time is over
    PURPOSE = -3  # the guide only points to the log, as for the others without a remark
    MALFORMED = -4
    SIGNATURE = -5
    CERTIFICATE = -6
    CERTIFICATE_AT_SIGNING = -7
    STATUS_UNKNOWN = -8
    SIGNING_TIME = -9  # at /backend/mobile/
    UNEXPECTED = -9  # at /frontend/mobile/
    NOT_CONFIGURED = -10
    AUTHORITY = -11
    STAMP = -99
    UNEXPECTED_OF_BACKEND = -100


class Reason(StrEnum):
    """Every reason, the most basic first: if several hold, the answer has the first one."""

    # Nothing was asked that could be answered.
    UNREADABLE_REQUEST = "unreadable_request"
    HEAD_TOO_LARGE = "head_too_large"
    UNKNOWN_PATH = "unknown_path"
    WRONG_VERB = "wrong_verb"
    NOT_FROM_HERE = "not_from_here"
    TOO_MANY_CALLS = "too_many_calls"
    BODY_TOO_LARGE = "body_too_large"
    TOO_SLOW = "too_slow"
    BAD_BODY = "bad_body"
    # The service cannot do it now.
    STOPPING = "stopping"
    OVERLOADED = "overloaded"
    NOT_CONFIGURED = "not_configured"
    CHALLENGES_AWAY = "challenges_away"
    MOBILE_STORE_AWAY = "mobile_store_away"
    AUTHORITY_AWAY = "authority_away"
    AUTHORITY_REFUSED = "authority_refused"
    INTERNAL_ERROR = "internal_error"
    # A document that waits for the signature of a phone.
    DOCUMENT_UNKNOWN = "document_unknown"
    OTHER_PURPOSE = "other_purpose"
    NOT_UPLOADED = "not_uploaded"
    UPLOAD_REFUSED = "upload_refused"
    # The message and its signature.
    MALFORMED = "malformed"
    NO_DOCUMENT = "no_document"
    OTHER_DOCUMENT = "other_document"
    DOCUMENT_CHANGED = "document_changed"
    SIGNATURE_WRONG = "signature_wrong"
    CERTIFICATE_MISSING = "certificate_missing"
    # A sign-in.
    CHALLENGE_UNKNOWN = "challenge_unknown"
    SIGNING_TIME_OFF = "signing_time_off"
    # Its time stamp.
    STAMP_MISSING = "stamp_missing"
    STAMP_MALFORMED = "stamp_malformed"
    STAMP_OF_OTHER_SIGNATURE = "stamp_of_other_signature"
    STAMP_SIGNATURE_WRONG = "stamp_signature_wrong"
    # The certificates, the signer's before the authority's.
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_UNSUITABLE = "certificate_unsuitable"
    CERTIFICATE_REVOKED = "certificate_revoked"
    STAMP_CERTIFICATE_UNTRUSTED = "stamp_certificate_untrusted"
    STAMP_CERTIFICATE_UNSUITABLE = "stamp_certificate_unsuitable"
    STAMP_CERTIFICATE_REVOKED = "stamp_certificate_revoked"
    # The same certificates at the times that count.
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_REVOKED_THEN = "certificate_revoked_then"
    STAMP_CERTIFICATE_EXPIRED = "stamp_certificate_expired"
    STAMP_CERTIFICATE_REVOKED_THEN = "stamp_certificate_revoked_then"
    # The status could not be learned.
    STATUS_UNKNOWN = "status_unknown"
    STAMP_STATUS_UNKNOWN = "stamp_status_unknown"


# The number of each reason. Verdicts have the guide's number, and the rest minus an HTTP code.
_GENERAL: Final[Mapping[Reason, int]] = MappingProxyType(
    {
        Reason.UNREADABLE_REQUEST: -400,
        Reason.HEAD_TOO_LARGE: -431,
        Reason.UNKNOWN_PATH: -404,
        Reason.WRONG_VERB: -405,
        Reason.NOT_FROM_HERE: -403,
        Reason.TOO_MANY_CALLS: -429,
        Reason.BODY_TOO_LARGE: -413,
        Reason.TOO_SLOW: -408,
        Reason.BAD_BODY: -400,
        Reason.STOPPING: -503,
        Reason.OVERLOADED: -503,
        Reason.NOT_CONFIGURED: -503,
        Reason.CHALLENGES_AWAY: -503,
        Reason.MOBILE_STORE_AWAY: MobileStatus.STORE,
        Reason.AUTHORITY_AWAY: -503,
        Reason.AUTHORITY_REFUSED: -503,
        Reason.INTERNAL_ERROR: -500,
        Reason.DOCUMENT_UNKNOWN: MobileStatus.DOCUMENT,
        Reason.OTHER_PURPOSE: MobileStatus.PURPOSE,
        Reason.NOT_UPLOADED: MobileStatus.NOT_UPLOADED,
        Reason.UPLOAD_REFUSED: MobileStatus.DOCUMENT,
        Reason.MALFORMED: Status.SIGNATURE,
        Reason.NO_DOCUMENT: Status.SIGNATURE,
        Reason.OTHER_DOCUMENT: Status.SIGNATURE,
        Reason.DOCUMENT_CHANGED: Status.SIGNATURE,
        Reason.SIGNATURE_WRONG: Status.SIGNATURE,
        Reason.CERTIFICATE_MISSING: Status.SIGNATURE,
        Reason.CHALLENGE_UNKNOWN: Status.CHALLENGE,
        Reason.SIGNING_TIME_OFF: Status.SIGNING_TIME,
        Reason.STAMP_MISSING: Status.STAMP,
        Reason.STAMP_MALFORMED: Status.STAMP,
        Reason.STAMP_OF_OTHER_SIGNATURE: Status.STAMP,
        Reason.STAMP_SIGNATURE_WRONG: Status.STAMP,
        Reason.CERTIFICATE_UNTRUSTED: Status.CERTIFICATE,
        Reason.CERTIFICATE_UNSUITABLE: Status.CERTIFICATE,
        Reason.CERTIFICATE_REVOKED: Status.CERTIFICATE,
        Reason.STAMP_CERTIFICATE_UNTRUSTED: Status.STAMP_CERTIFICATE,
        Reason.STAMP_CERTIFICATE_UNSUITABLE: Status.STAMP_CERTIFICATE,
        Reason.STAMP_CERTIFICATE_REVOKED: Status.STAMP_CERTIFICATE,
        Reason.CERTIFICATE_EXPIRED: Status.CERTIFICATE_AT_SIGNING,
        Reason.CERTIFICATE_REVOKED_THEN: Status.CERTIFICATE_AT_SIGNING,
        Reason.STAMP_CERTIFICATE_EXPIRED: Status.STAMP_CERTIFICATE_AT_STAMPING,
        Reason.STAMP_CERTIFICATE_REVOKED_THEN: Status.STAMP_CERTIFICATE_AT_STAMPING,
        Reason.STATUS_UNKNOWN: Status.STATUS_UNKNOWN,
        Reason.STAMP_STATUS_UNKNOWN: Status.STAMP_STATUS_UNKNOWN,
    }
)

# The service could not do it: a line for the operator, also where the answer has HTTP 200.
OF_SERVICE: Final = frozenset(
    {
        Reason.STOPPING,
        Reason.OVERLOADED,
        Reason.NOT_CONFIGURED,
        Reason.CHALLENGES_AWAY,
        Reason.MOBILE_STORE_AWAY,
        Reason.AUTHORITY_AWAY,
        Reason.AUTHORITY_REFUSED,
        Reason.INTERNAL_ERROR,
    }
)

# The reasons that only the methods for phones have.
OF_PHONES: Final = frozenset(
    {
        Reason.MOBILE_STORE_AWAY,
        Reason.DOCUMENT_UNKNOWN,
        Reason.OTHER_PURPOSE,
        Reason.NOT_UPLOADED,
        Reason.UPLOAD_REFUSED,
    }
)

# The reasons that have another number at paths that begin so.
FRONTEND_MOBILE: Final = "/frontend/mobile/"
BACKEND_MOBILE: Final = "/backend/mobile/"
_AT: Final[Mapping[str, Mapping[Reason, int]]] = MappingProxyType(
    {
        FRONTEND_MOBILE: {
            Reason.INTERNAL_ERROR: MobileStatus.UNEXPECTED,
            Reason.NOT_CONFIGURED: MobileStatus.NOT_CONFIGURED,
        },
        BACKEND_MOBILE: {
            Reason.MALFORMED: MobileStatus.MALFORMED,
            Reason.NO_DOCUMENT: MobileStatus.MALFORMED,
            Reason.DOCUMENT_CHANGED: MobileStatus.SIGNATURE,
            Reason.SIGNATURE_WRONG: MobileStatus.SIGNATURE,
            Reason.CERTIFICATE_MISSING: MobileStatus.SIGNATURE,
            Reason.CERTIFICATE_UNTRUSTED: MobileStatus.CERTIFICATE,
            Reason.CERTIFICATE_UNSUITABLE: MobileStatus.CERTIFICATE,
            Reason.CERTIFICATE_REVOKED: MobileStatus.CERTIFICATE,
            Reason.CERTIFICATE_EXPIRED: MobileStatus.CERTIFICATE_AT_SIGNING,
            Reason.CERTIFICATE_REVOKED_THEN: MobileStatus.CERTIFICATE_AT_SIGNING,
            Reason.STATUS_UNKNOWN: MobileStatus.STATUS_UNKNOWN,
            Reason.SIGNING_TIME_OFF: MobileStatus.SIGNING_TIME,
            Reason.NOT_CONFIGURED: MobileStatus.NOT_CONFIGURED,
            Reason.AUTHORITY_AWAY: MobileStatus.AUTHORITY,
            Reason.AUTHORITY_REFUSED: MobileStatus.AUTHORITY,
            Reason.INTERNAL_ERROR: MobileStatus.UNEXPECTED_OF_BACKEND,
            **{reason: MobileStatus.STAMP for reason in Reason if reason.startswith("stamp_")},
        },
    }
)

_RANK: Final = {reason: rank for rank, reason in enumerate(Reason)}


def most_basic(reasons: Iterable[Reason]) -> Reason | None:
    """Return the reason that wins, None if there is no reason."""
    return min(reasons, key=_RANK.__getitem__, default=None)


def status_of(reason: Reason, path: str = "") -> int:
    """Return the number of a reason, as the method at ``path`` answers it."""
    for start, numbers in _AT.items():
        if path.startswith(start):
            return int(numbers.get(reason, _GENERAL[reason]))
    return int(_GENERAL[reason])


def http_code(status: int) -> int:
    """Return the HTTP code of an answer with this ``status``."""
    return -status if status <= -400 else HTTP_OK


class Refusal(TunnelGatewayError):  # noqa: N818 - an answer, not a failure
    """The answer is another one than success.

    ``detail`` says in English, for developers and operators, which certificate, key or part it is
    about; it stands in the answer, so it holds no secret. ``fields`` are answered too.
    ``for_log`` is a longer detail for the operator alone: it may have addresses of their network.
    """

    code = "call_not_answered"

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        fields: Fields | None = None,
        *,
        for_log: str = "",
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
        self.fields: Fields = fields or {}
        self.for_log = for_log or detail
