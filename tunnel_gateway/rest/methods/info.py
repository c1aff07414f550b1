"""``/info``: the version of the service, its time, and the certificates that it trusts.

There is no ``vpnKeyInfo``, as in `/ping`. The time has dots in its date here, as in the guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.rest.answers import Bare
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.statuses import Fields
from tunnel_gateway.rest.views.certificate_view import certificate_view
from tunnel_gateway.rest.views.local_times import times

_SHOWN: Final = (
    "serialNumber",
    "validFrom",
    "validFromUtc",
    "validTo",
    "validToUtc",
    "subjectInfo",
)


class Info:
    """Answers with the time of ``clock`` and the trust ``anchors``."""

    path: Final = "/info"
    verbs: Final = ("GET",)
    wanted: Final = Wanted()

    def __init__(
        self, version: str, anchors: Iterable[Certificate], clock: Callable[[], datetime]
    ) -> None:
        self._version = version
        self._clock = clock
        views = map(certificate_view, anchors)
        self._trusted = [{name: view[name] for name in _SHOWN} for view in views]

    async def answer(self, call: Call) -> Fields:
        """Return the facts of this service."""
        del call
        now = times(serverTime=self._clock())
        date, _, time = now["serverTime"].partition(" ")
        return Bare(
            {
                "version": self._version,
                **now,
                "serverTime": f"{date.replace('-', '.')} {time}",
                "trustedCertificates": self._trusted,
            }
        )
