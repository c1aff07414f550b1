"""The alias of a key: its certificate in one line, as E-IMZO names a key in a PFX and to pages.

``cn=…,name=…,surname=…,uid=…,1.2.860.3.16.1.2=…,serialnumber=…,validfrom=…,validto=…``: the
subject in the order of the certificate, then its serial number and its period in the time of
Tashkent, all in lower case. The vendor's page script turns it into capitals and cuts it at a
comma, letters and an equals sign, and looks for a name anywhere in the first piece; others cut it
at every comma. There is no escape that all know, so a comma in a value is written as U+201A, and
an equals sign as U+FF1D, which look like them.

An alias is what a file says of itself. It proves nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.pki.certificates.certificate import TASHKENT, Certificate, in_tashkent
from tunnel_gateway.pki.certificates.names import labelled
from tunnel_gateway.pki.encoding.outline import Outline

_COMMA: Final = ","
# A comma and an equals sign in a value would end it, so characters that look like them stand there.
_STAND_INS: Final = str.maketrans({",": "\u201a", "=": "\uff1d"})
# A subject can have an attribute of this name. In an alias the name means the certificate's number.
_TAKEN: Final = "SERIALNUMBER"
_ITS_IDENTIFIER: Final = "2.5.4.5"
_TIME_FORMAT: Final = "%Y.%m.%d %H:%M:%S"


def make_alias(certificate: Certificate) -> str:
    """Return the alias of the key that ``certificate`` is for."""
    subject = Outline.read(certificate.der).subject
    fields = [
        (_ITS_IDENTIFIER if label == _TAKEN else label, value) for label, value in labelled(subject)
    ]
    fields += [
        ("serialnumber", certificate.serial_hex),
        ("validfrom", _time(certificate.not_before)),
        ("validto", _time(certificate.not_after)),
    ]
    return _COMMA.join(f"{name}={value.translate(_STAND_INS)}" for name, value in fields).lower()


def alias_fields(alias: str) -> dict[str, str]:
    """Return the values of an alias by their names; if a name comes twice, the first counts."""
    fields: dict[str, str] = {}
    for part in alias.split(_COMMA):
        name, equals, value = part.partition("=")
        if equals:
            fields.setdefault(name.lower(), value)
    return fields


def alias_end(alias: str) -> datetime | None:
    """Return the end of the period that an alias names, in UTC; None if it names no time."""
    try:
        moment = datetime.strptime(alias_fields(alias).get("validto", ""), _TIME_FORMAT)
        return moment.replace(tzinfo=TASHKENT).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _time(moment: datetime) -> str:
    return in_tashkent(moment).strftime(_TIME_FORMAT)
