"""Warnings before a certificate in use expires: 30, 7 and 1 days before, and after its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from tunnel_gateway.gateway.material import Material
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.certificates.certificate import Certificate

log = get_logger(__name__)

WARNING_DAYS: Final = (30, 7, 1, 0)
# Warnings count in days, so an hour is early enough.
_LOOK_SECONDS: Final = 3600.0
_DAY: Final = timedelta(days=1)


def days_left(certificate: Certificate, now: datetime) -> int:
    """Return the whole days until the certificate expires; negative when it has."""
    return (certificate.not_after - now) // _DAY


def certificates_in_use(material: Material) -> Iterator[tuple[str, Certificate]]:
    """Yield every certificate of the material, with its use."""
    for name, identity in material.domains.items():
        for certificate in identity.chain:
            yield f"domain {name}", certificate
    for certificate in material.trust_anchors:
        yield "truststore", certificate


class ExpiryWatch:
    """Warns once for each certificate and each of WARNING_DAYS."""

    def __init__(self, current: Callable[[], Material]) -> None:
        self._current = current
        self._said: set[tuple[bytes, str, int]] = set()

    async def round(self) -> None:
        """Look at the certificates in use, and wait an hour."""
        self.look(datetime.now(UTC))
        await asyncio.sleep(_LOOK_SECONDS)

    def look(self, now: datetime) -> None:
        """Warn of each certificate that has reached another of WARNING_DAYS since the last look."""
        for used_for, certificate in certificates_in_use(self._current()):
            days = days_left(certificate, now)
            reached = [limit for limit in WARNING_DAYS if days < limit]
            if not reached or (key := (certificate.der, used_for, reached[-1])) in self._said:
                continue
            self._said.add(key)
            facts = {
                "used_for": used_for,
                "certificate": certificate.label,
                "until": certificate.not_after,
                "days": days,
                "remedy": "ask the certification centre for a new one, put it in place, send"
                " SIGHUP",
            }
            if days < 0:
                log.error("certificate_expired", **facts)
            elif reached[-1] <= 1:
                log.error("certificate_expires", **facts)
            else:
                log.warning("certificate_expires", **facts)
