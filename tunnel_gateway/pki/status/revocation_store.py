"""The known revocation data, in memory: lists by issuer and answers by certificate.

This module fetches nothing. It takes proven data, and says of a path which certificate is revoked,
and of which certificates the status is not known at the moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from tunnel_gateway.errors import CertificateRevokedError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.status.crl import CLOCK_SKEW, ProvenList, RevocationList
from tunnel_gateway.pki.status.ocsp import Answer
from tunnel_gateway.pki.status.revoked_info import HOLD, RevokedInfo
from tunnel_gateway.pki.status.standing import UNKNOWN, Knowledge, Standing

# The size of all lists that are kept, in bytes of their encoding; their indexes are smaller.
MAX_LISTS_SIZE: Final = 128 * 1024 * 1024
# An answer takes some 500 bytes.
MAX_ANSWERS: Final = 65536
# A national system has some dozens of centres.
_MAX_AUTHORITIES: Final = 64


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate of a proven path, below the anchor, and the certificate of its issuer."""

    certificate: Certificate
    issuer: Certificate


def links(path: Sequence[Certificate]) -> tuple[Link, ...]:
    """Return the links of a path, leaf first. The status of the anchor is not asked."""
    return tuple(Link(certificate, issuer) for certificate, issuer in pairwise(path))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The statement of one list or answer: ``revoked`` is None for good.

    "Good" counts from ``this_update`` to ``until``.
    """

    revoked: RevokedInfo | None
    this_update: datetime
    next_update: datetime | None
    until: datetime
    is_answer: bool = False

    @property
    def is_hold(self) -> bool:
        return self.revoked is not None and self.revoked.reason == HOLD

    @property
    def weight(self) -> tuple[bool, datetime]:
        """Of two revocations the heavier one is told: one for good, then the newer one."""
        return not self.is_hold, self.this_update


class RevocationStore:
    """Lists and answers, within bounds: the oldest are forgotten. For one thread.

    Whole answers are kept only after `keep_whole_answers`.
    """

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[str, object], RevocationList] = OrderedDict()
        self._by_issuer: dict[str, list[RevocationList]] = {}
        self._answers: OrderedDict[tuple[str, int], Answer] = OrderedDict()
        self._whole: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._whole_size = 0
        self._whole_limit = 0
        self._authorities: OrderedDict[str, str] = OrderedDict()

    def add_list(self, proven: ProvenList) -> None:
        """Keep a list, unless there is a newer one of the same issuer and scope."""
        key = (proven.issuer, proven.content.scope)
        known = self._lists.get(key)
        if known is not None and known.this_update > proven.content.this_update:
            return
        self._lists[key] = proven.content
        self._lists.move_to_end(key)
        while sum(known.size for known in self._lists.values()) > MAX_LISTS_SIZE:
            self._lists.popitem(last=False)
        self._by_issuer = {}
        for (issuer, _), content in self._lists.items():
            self._by_issuer.setdefault(issuer, []).append(content)

    def lists(self) -> tuple[RevocationList, ...]:
        """Return all lists that are known."""
        return tuple(self._lists.values())

    def keep_whole_answers(self, size: int) -> None:
        """Keep the DER of answers too, at most ``size`` bytes of it; 0 keeps none."""
        self._whole_limit = size
        self._bound_whole_answers()

    def add_answer(self, answer: Answer, whole: bytes) -> None:
        """Keep an answer, unless there is a newer one about the same certificate.

        ``whole`` is its DER. An answer of a responder whose own certificate is revoked by a list is
        not kept.
        """
        if self._is_of_revoked_responder(answer):
            return
        key = (answer.issuer, answer.serial)
        known = self._answers.get(key)
        if known is not None and known.this_update > answer.this_update:
            return
        self._answers[key] = answer
        self._answers.move_to_end(key)
        self._forget_whole_answer(key)
        if self._whole_limit:
            self._whole[key] = whole
            self._whole_size += len(whole)
            self._bound_whole_answers()
        while len(self._answers) > MAX_ANSWERS:
            oldest, _ = self._answers.popitem(last=False)
            self._forget_whole_answer(oldest)

    def _is_of_revoked_responder(self, answer: Answer) -> bool:
        """Tell whether a list that is known now has revoked the responder's certificate."""
        return answer.responder is not None and any(
            known.revoked(answer.responder) for known in self._by_issuer.get(answer.issuer, ())
        )

    def _forget_whole_answer(self, key: tuple[str, int]) -> None:
        self._whole_size -= len(self._whole.pop(key, b""))

    def _bound_whole_answers(self) -> None:
        while self._whole_size > self._whole_limit:
            self._forget_whole_answer(next(iter(self._whole)))

    def unknown(self, path: Sequence[Certificate], now: datetime) -> tuple[Link, ...]:
        """Return the links of ``path`` without a status at the time ``now``, leaf first.

        Raises CertificateRevokedError if a certificate of it is revoked.
        """
        return tuple(link for link in links(path) if not self.knows(link, now))

    def knows(self, link: Link, now: datetime) -> bool:
        """Tell whether the certificate is good at the time ``now``; False: that is not known.

        Raises CertificateRevokedError if it is revoked.
        """
        evidence = self._decisive(link, now)
        if evidence is not None and evidence.revoked is not None:
            text = evidence.revoked.text
            raise CertificateRevokedError(f"{link.certificate.label} was revoked {text}")
        return evidence is not None

    def standing(self, link: Link, now: datetime) -> Standing:
        """Return what is known of the certificate at the time ``now``, as data."""
        evidence = self._decisive(link, now)
        if evidence is None:
            return UNKNOWN
        whole = None
        if evidence.is_answer:
            whole = self._whole.get((self._authority(link.issuer), link.certificate.serial))
        revoked = evidence.revoked
        return Standing(
            Knowledge.GOOD if revoked is None else Knowledge.REVOKED,
            revoked_at=None if revoked is None else revoked.since,
            reason=None if revoked is None else revoked.reason,
            answer=whole,
            updated_at=evidence.this_update,
            next_update_at=evidence.next_update,
        )

    def has_whole_answer(self, link: Link) -> bool:
        """Tell whether the DER of an answer about the certificate is kept."""
        return (self._authority(link.issuer), link.certificate.serial) in self._whole

    def has_list(self, link: Link, now: datetime) -> bool:
        """Tell whether a current list covers the certificate, revoked or not."""
        return any(
            known.this_update - CLOCK_SKEW <= now <= known.next_update + CLOCK_SKEW
            and known.covers(link.certificate)
            and known.vouches_for(link.certificate)
            for known in self._by_issuer.get(self._authority(link.issuer), ())
        )

    def _decisive(self, link: Link, now: datetime) -> _Evidence | None:
        """Return the evidence that decides; None if the status is not known at the time ``now``.

        A revocation counts until newer data of the same kind say otherwise, even after its list or
        answer has expired. A hold can be lifted, so it also ends by newer data of the other kind;
        every other revocation is for good. "Good" counts only as long as the data are current. If
        both kinds say good, the answer decides, because it can be shown.
        """
        revocation: _Evidence | None = None
        good: _Evidence | None = None
        for evidence in self._evidence(link):
            if evidence.revoked is not None:
                if revocation is None or evidence.weight >= revocation.weight:
                    revocation = evidence
            elif evidence.this_update - CLOCK_SKEW <= now <= evidence.until + CLOCK_SKEW:
                good = evidence
        if revocation is None:
            return good
        if good is not None and revocation.is_hold and good.this_update > revocation.this_update:
            return good
        return revocation

    def _authority(self, issuer: Certificate) -> str:
        """Return ``issuer.authority``, which takes longer than all the rest of a look."""
        authority = self._authorities.get(issuer.fingerprint)
        if authority is None:
            authority = self._authorities[issuer.fingerprint] = issuer.authority
            if len(self._authorities) > _MAX_AUTHORITIES:
                self._authorities.popitem(last=False)
        return authority

    def _evidence(self, link: Link) -> Iterator[_Evidence]:
        """Yield what each list and the answer say of the certificate, the answer last."""
        issuer, certificate = self._authority(link.issuer), link.certificate
        for known in self._by_issuer.get(issuer, ()):
            if known.covers(certificate):
                revoked = known.revoked(certificate.serial)
                if revoked is not None or known.vouches_for(certificate):
                    yield _Evidence(
                        revoked, known.this_update, known.next_update, known.next_update
                    )
        answer = self._answers.get((issuer, certificate.serial))
        # The list that revokes its responder may have come after the answer.
        if answer is not None and not self._is_of_revoked_responder(answer):
            yield _Evidence(
                answer.revoked, answer.this_update, answer.next_update, answer.expires, True
            )
