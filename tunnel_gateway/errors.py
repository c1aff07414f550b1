"""Every error the package raises on purpose, as one tree.

::

    TunnelGatewayError
    ├── ConfigError                 the operator's configuration; holds every fault at once
    ├── FileError                   a key, certificate or truststore file that cannot be used
    ├── KeystoreError               a key or certificate file that is damaged or of another kind
    │   └── WrongPasswordError          its password does not open it, or is missing
    ├── CannotListenError           the gateway does not get its address and port
    ├── SelfTestError               a known answer came out wrong: nothing may run
    ├── InvalidKeyError             not a private key of the curve
    ├── InvalidPointError           not a point of the curve
    ├── CertificateError            the other side's certificate is not accepted
    │   ├── CertificateUntrustedError
    │   │   └── CertificateUncheckedError  (whether it is revoked cannot be learned)
    │   ├── CertificateExpiredError     (or not valid yet)
    │   ├── CertificateRevokedError
    │   └── CertificateUnsuitableError  (malformed, wrong purpose, wrong name)
    ├── SignedDataError             a signed message that is malformed or not one of ours
    │   ├── BadSignedDataError          its digest or a signature is wrong
    │   └── TimeStampError              a time stamp is not genuine, or was not given
    ├── MobileCodeError             the code of a QR or deeplink for a phone is wrong
    ├── PeerError                   the other side broke the protocol
    │   ├── ProtocolViolationError
    │   ├── UnsupportedVersionError
    │   ├── NoCommonSuiteError
    │   ├── UnknownDomainError
    │   ├── BadSignatureError
    │   ├── BadRecordError
    │   └── TimedOutError
    ├── RefusalError                the gateway will not serve this tunnel
    │   ├── UnknownDestinationError
    │   ├── DestinationUnreachableError
    │   ├── NotPermittedError
    │   ├── NotWebSocketError
    │   ├── RequestTooLargeError
    │   ├── LimitReachedError
    │   │   ├── OverloadedError         (of the whole gateway)
    │   │   ├── RateLimitedError        (handshakes of one source)
    │   │   ├── TooManyTunnelsError     (of one source or one certificate)
    │   │   └── DestinationBusyError    (of one destination)
    │   ├── OperatorClosedError
    │   └── ShuttingDownError
    ├── RevocationDataError         a CRL or an OCSP answer that did not come, or is of no use
    ├── AuditChainError             a line of an audit file that was changed since it was written
    ├── GatewayUnreachableError     the agent could not connect to the gateway
    ├── AdminError                  a running gateway did not do what the operator asked for
    ├── CallRefusedError            the agent refuses the call of a page
    ├── PageLostError               the connection of the user's page broke off
    ├── AlertReceivedError          the other side ended the tunnel and said why
    └── TruncatedError              the stream ended without the close record

``code`` is stable: logs, metrics and alerts use it. If a limit was reached, ``limit`` says which.
The text is for the operator and never holds a secret. The primitives raise
``cryptography.exceptions.InvalidTag`` and ``InvalidSignature`` for wrong tags and signatures; the
protocol turns them into errors of this tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from tunnel_gateway.limit_keys import Limit


class TunnelGatewayError(Exception):
    """The root of the tree."""

    code: ClassVar[str] = "internal_error"
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a configuration: where it is and what to change."""

    message: str
    file: str
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(TunnelGatewayError):
    """The configuration cannot be used; ``faults`` lists every reason."""

    code = "config_error"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class FileError(TunnelGatewayError):
    """A key, certificate or truststore file cannot be used; the text names the file and why."""

    code = "file_error"


class KeystoreError(TunnelGatewayError):
    """A key or certificate file is damaged, out of bounds, or of an unknown kind."""

    code = "keystore_error"


class WrongPasswordError(KeystoreError):
    """The password does not open the file, or the file needs a password and got none."""


class CannotListenError(TunnelGatewayError):
    """The gateway does not get the address and the port that it is configured to listen on."""

    code = "cannot_listen"


class SelfTestError(TunnelGatewayError):
    """A primitive gave a wrong answer to a known question."""

    code = "selftest_failed"


class InvalidKeyError(TunnelGatewayError):
    """Not a private key of the curve: zero, or not below the group order."""

    code = "invalid_key"


class InvalidPointError(TunnelGatewayError):
    """Not a point of the curve, or the point at infinity."""

    code = "invalid_point"


class CertificateError(TunnelGatewayError):
    """The other side's certificate is not accepted."""

    code = "certificate_unsuitable"


class CertificateUntrustedError(CertificateError):
    """No path of valid signatures leads to a trust anchor."""

    code = "certificate_untrusted"


class CertificateUncheckedError(CertificateUntrustedError):
    """The gateway must know whether a certificate is revoked, and cannot learn it."""


class CertificateExpiredError(CertificateError):
    """A certificate of the path is out of its validity period, on either side."""

    code = "certificate_expired"


class CertificateRevokedError(CertificateError):
    """A certificate of the path was revoked."""

    code = "certificate_revoked"


class CertificateUnsuitableError(CertificateError):
    """The certificate is malformed, for another purpose, or for another name."""


class SignedDataError(TunnelGatewayError):
    """A signed message (CMS) is malformed, out of bounds, or not of the kind that E-IMZO makes."""

    code = "signed_data"


class BadSignedDataError(SignedDataError):
    """The document is not the signed document, or the signature does not fit the signer's key."""

    code = "bad_signed_data"


class TimeStampError(SignedDataError):
    """A time stamp is not genuine or for something else, or the authority did not give one."""

    code = "time_stamp"


class MobileCodeError(TunnelGatewayError):
    """The code of a QR or deeplink for a phone, or a part of it, is not one."""

    code = "mobile_code"


class PeerError(TunnelGatewayError):
    """The other side broke the protocol."""

    code = "protocol_error"


class ProtocolViolationError(PeerError):
    """A message that is malformed, too long, or out of place."""

    code = "protocol_error"


class UnsupportedVersionError(PeerError):
    """The other side speaks no version that we do."""

    code = "unsupported_version"


class NoCommonSuiteError(PeerError):
    """The other side offers no suite that we have."""

    code = "no_common_suite"


class UnknownDomainError(PeerError):
    """The client asked for a domain that this gateway does not serve."""

    code = "unknown_domain"


class BadSignatureError(PeerError):
    """The signature or the finished value over the transcript does not verify."""

    code = "bad_signature"


class BadRecordError(PeerError):
    """A protected record does not open: it was altered, dropped, repeated or reordered."""

    code = "bad_record"


class TimedOutError(PeerError):
    """The other side took too long."""

    code = "timed_out"

    def __init__(self, text: str, limit: Limit | None = None) -> None:
        super().__init__(text)
        self.limit = limit


class RefusalError(TunnelGatewayError):
    """The gateway will not serve this tunnel, though the peer kept to the protocol."""

    code = "not_permitted"


class UnknownDestinationError(RefusalError):
    """No destination has the identifier that was asked for."""

    code = "unknown_destination"


class DestinationUnreachableError(RefusalError):
    """The destination did not accept a connection."""

    code = "destination_unreachable"


class NotPermittedError(RefusalError):
    """A rule forbids it: the configuration's key ``rule``; None for the origin rule."""

    code = "not_permitted"

    def __init__(self, text: str, rule: str | None = None) -> None:
        super().__init__(text)
        self.rule = rule


class NotWebSocketError(RefusalError):
    """The first bytes in the tunnel are not a WebSocket upgrade request."""

    code = "not_websocket"


class RequestTooLargeError(RefusalError):
    """The head of a page's request is longer than it may be, or has too many headers."""

    code = "request_too_large"


class LimitReachedError(RefusalError):
    """A limit does not allow one more; ``limit`` says which limit."""

    code = "overloaded"

    def __init__(self, text: str, limit: Limit | None = None) -> None:
        super().__init__(text)
        self.limit = limit

    @classmethod
    def reached(cls, limit: Limit, count: str, dst_id: str = "N") -> Self:
        """Return the error that says ``count``, and that ``limit`` allows no more."""
        return cls(f"{count}, {limit.reached(dst_id)}", limit)


class OverloadedError(LimitReachedError):
    """A limit of the whole gateway is reached: tunnels, handshakes, memory."""


class RateLimitedError(LimitReachedError):
    """Too many handshakes come from one source address."""

    code = "rate_limited"


class TooManyTunnelsError(LimitReachedError):
    """One source address, or one certificate, has as many open tunnels as it may."""

    code = "too_many_tunnels"


class DestinationBusyError(LimitReachedError):
    """The destination has as many tunnels, or connects in progress, as it may."""

    code = "destination_busy"


class PageLostError(TunnelGatewayError):
    """The page's connection to the agent broke off, so the page's data may be incomplete."""

    code = "page_lost"


class OperatorClosedError(RefusalError):
    """An operator of the gateway has ended the tunnel."""

    code = "closed_by_operator"


class ShuttingDownError(RefusalError):
    """The gateway is stopping."""

    code = "shutting_down"


class RevocationDataError(TunnelGatewayError):
    """A CRL or an OCSP answer did not come in time, is too large, or says nothing of use."""

    code = "revocation_data"


class AuditChainError(TunnelGatewayError):
    """A line of an audit file was changed since it was written; ``line`` counts from 1."""

    code = "audit_chain"

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


class GatewayUnreachableError(TunnelGatewayError):
    """The agent could not connect to the gateway."""

    code = "gateway_unreachable"


class AdminError(TunnelGatewayError):
    """A running gateway does not answer the operator, or gives another kind of answer."""

    code = "admin_error"


class CallRefusedError(TunnelGatewayError):
    """The agent refuses a call; the page gets the stable word ``name`` as ``code``, and why."""

    code = "call_refused"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


class AlertReceivedError(TunnelGatewayError):
    """The other side ended the tunnel with the alert ``name`` and a ``text`` for people."""

    code = "alert_received"

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"the other side ended the tunnel: {name} ({text})")
        self.name = name
        self.text = text


class TruncatedError(TunnelGatewayError):
    """The byte stream ended without the authenticated end of data."""

    code = "truncated"
