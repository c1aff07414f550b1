"""The result of verifying a signed message, as data: each signer, time stamp and chain.

A verdict has every answer that can be given, and not the first fault alone. So a signature of
another document still says whose certificate it names, and what became of its time stamp.
Revocation is not part of it: nothing here knows the status of a certificate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from tunnel_gateway.cms.signed_data import Signer
from tunnel_gateway.cms.time_stamp import TimeStamp
from tunnel_gateway.errors import CertificateError, TunnelGatewayError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.trust.validation import VerifiedPeer


class Step(IntEnum):
    """The steps of verifying one signer, in their order; ``judging`` says what each proves."""

    CERTIFICATE = 1
    DOCUMENT = 2
    SIGNATURE = 3
    STAMP_IMPRINT = 4
    STAMP_SIGNATURE = 5
    STAMP_PATH = 6
    STAMP_VALIDITY = 7
    PATH = 8
    VALIDITY = 9


# A signature that is wrong says more than the time stamp beside it. A certificate that is not
# trusted says more than the one of the authority that stamped it.
MOST_BASIC_FIRST: Final = (
    Step.CERTIFICATE,
    Step.DOCUMENT,
    Step.SIGNATURE,
    Step.STAMP_IMPRINT,
    Step.STAMP_SIGNATURE,
    Step.PATH,
    Step.STAMP_PATH,
    Step.VALIDITY,
    Step.STAMP_VALIDITY,
)


def most_basic(failed: Iterable[Step]) -> Step | None:
    """Return which of the steps that failed names the fault; None if no step failed."""
    return min(failed, key=MOST_BASIC_FIRST.index, default=None)


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """Whether a certificate, of a signer or of a time stamp authority, can be trusted.

    ``peer`` is the proof, and ``peer.path`` the path, leaf first and trust anchor last. Without a
    path to a trust anchor, or with a certificate for another purpose, it is None. ``fault`` says
    why that is so, or why the path is not valid at the time that counts, which ``valid_at_time``
    tells. ``certificates`` is the path; without a path they are the certificate and those of the
    message that may have issued it, leaf first.
    """

    certificate: Certificate
    certificates: tuple[Certificate, ...]
    peer: VerifiedPeer | None
    fault: CertificateError | None
    valid_at_time: bool


@dataclass(frozen=True, slots=True)
class TimeStampVerdict:
    """Whether a token (RFC 3161) proves when a signature existed.

    ``stamp`` is None if the token cannot be read. ``digest_verified``: its imprint is the digest of
    the signature, and its message digest the digest of its own content. ``verified``: that, and the
    token's own signature is right. ``chain`` is None if the token does not have its authority's
    certificate; the time that counts for the chain is the time of the token. ``fault`` is that of
    the step ``failed``; both are None for a token that proves its time.
    """

    stamp: TimeStamp | None
    digest_verified: bool
    verified: bool
    chain: ChainVerdict | None
    failed: Step | None
    fault: TunnelGatewayError | None


@dataclass(frozen=True, slots=True)
class SignerVerdict:
    """The answer to each question about one signer.

    ``digest_verified``: the digest of the document is the signed one. ``verified``: that, and the
    signature is right. ``chain`` is None if the certificate is not in the message. ``time`` is
    aware and the time that counts: the token's if it proves one, else the signer's own word, and
    None without either. ``stamp`` is None if there is no token. ``fault`` is that of the most
    basic step that ``failed``; both are None for a signer without fault.
    """

    signer: Signer
    digest_verified: bool
    verified: bool
    chain: ChainVerdict | None
    time: datetime | None
    stamp: TimeStampVerdict | None
    failed: Step | None
    fault: TunnelGatewayError | None


@dataclass(frozen=True, slots=True)
class MessageVerdict:
    """The answer to each question about a message; ``signers`` in its order, at least one.

    ``content`` is the document inside, None if the message is detached. ``certificates`` are those
    of all signers' chains, each once, the anchors too.
    """

    content: bytes | memoryview | None
    signers: tuple[SignerVerdict, ...]
    certificates: tuple[Certificate, ...]

    @property
    def failed(self) -> Step | None:
        """The most basic step that failed for any signer; None for a message without fault."""
        return most_basic(one.failed for one in self.signers if one.failed is not None)
