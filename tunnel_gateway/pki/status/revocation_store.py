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
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

# The size of all lists that are kept, in bytes of their encoding; their indexes are smaller.
MAX_LISTS_SIZE: Final = 128 * 1024 * 1024
# An answer takes some 500 bytes.
MAX_ANSWERS: Final = 65536


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate of a proven path, below the anchor, and the certificate of its issuer."""

    certificate: Certificate
    issuer: Certificate


def links(path: Sequence[Certificate]) -> tuple[Link, ...]:
    """Return the links of a path, leaf first. The status of the anchor is not asked."""
    return tuple(Link(certificate, issuer) for certificate, issuer in pairwise(path))


class RevocationStore:
    """Lists and answers, within bounds: the oldest are forgotten. For one thread."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[str, object], RevocationList] = OrderedDict()
        self._by_issuer: dict[str, list[RevocationList]] = {}
        self._answers: OrderedDict[tuple[str, int], Answer] = OrderedDict()

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

    def add_answer(self, answer: Answer) -> None:
        """Keep an answer, unless there is a newer one about the same certificate.

        An answer of a responder whose own certificate is revoked by a list is not kept.
        """
        if answer.responder is not None and any(
            known.revoked(answer.responder) for known in self._by_issuer.get(answer.issuer, ())
        ):
            return
        key = (answer.issuer, answer.serial)
        known = self._answers.get(key)
        if known is not None and known.this_update > answer.this_update:
            return
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)

    def unknown(self, path: Sequence[Certificate], now: datetime) -> tuple[Link, ...]:
        """Return the links of ``path`` without a status at the time ``now``, leaf first.

        Raises CertificateRevokedError if a certificate of it is revoked.
        """
        return tuple(link for link in links(path) if not self.knows(link, now))

    def knows(self, link: Link, now: datetime) -> bool:
        """Tell whether the certificate is good at the time ``now``; False: that is not known.

        Raises CertificateRevokedError if it is revoked. A revocation counts until newer data say
        otherwise, even after its list or answer has expired. "Good" counts only as long as the data
        are current.
        """
        current = False
        for said, since, until in self._evidence(link):
            if said is not None:
                raise CertificateRevokedError(f"{link.certificate.label} was revoked {said.text}")
            current = current or since - CLOCK_SKEW <= now <= until + CLOCK_SKEW
        return current

    def has_list(self, link: Link, now: datetime) -> bool:
        """Tell whether a current list covers the certificate, revoked or not."""
        return any(
            known.this_update - CLOCK_SKEW <= now <= known.next_update + CLOCK_SKEW
            and known.covers(link.certificate)
            for known in self._by_issuer.get(link.issuer.authority, ())
        )

    def _evidence(self, link: Link) -> Iterator[tuple[RevokedInfo | None, datetime, datetime]]:
        """Yield a revocation, or None, and from when to when that holds."""
        issuer, certificate = link.issuer.authority, link.certificate
        for known in self._by_issuer.get(issuer, ()):
            if known.covers(certificate):
                yield known.revoked(certificate.serial), known.this_update, known.next_update
        answer = self._answers.get((issuer, certificate.serial))
        if answer is not None:
            yield answer.revoked, answer.this_update, answer.expires
