"""Warnings before a certificate in use expires: 30, 7 and 1 days before, and after its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from tunnel_gateway.daemon.findings import Status
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


def until(certificate: Certificate, now: datetime) -> str:
    """Return the end of a certificate's life, and how far away it is, for `check`."""
    days = days_left(certificate, now)
    left = f"{days} days left" if days >= 0 else "expired"
    return f"until {certificate.not_after:%Y-%m-%d}, {left}"


def age_status(certificates: Iterable[Certificate], now: datetime) -> Status:
    """Return whether one of these certificates has expired or ends soon, for `check`."""
    least = min(days_left(certificate, now) for certificate in certificates)
    if least < 0:
        return "fault"
    return "warning" if least < WARNING_DAYS[0] else "ok"


class ExpiryWatch:
    """Warns once for each certificate and each of WARNING_DAYS.

    ``current`` returns every certificate in use, with its use.
    """

    def __init__(self, current: Callable[[], Iterable[tuple[str, Certificate]]]) -> None:
        self._current = current
        self._said: set[tuple[bytes, str, int]] = set()

    async def round(self) -> None:
        """Look at the certificates in use, and wait an hour."""
        self.look(datetime.now(UTC))
        await asyncio.sleep(_LOOK_SECONDS)

    def look(self, now: datetime) -> None:
        """Warn of each certificate that has reached another of WARNING_DAYS since the last look."""
        for used_for, certificate in self._current():
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
