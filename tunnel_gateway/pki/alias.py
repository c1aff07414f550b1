"""The alias of a key: its certificate in one line, as E-IMZO names a key in a PFX and to pages.

``cn=…,name=…,surname=…,uid=…,1.2.860.3.16.1.2=…,serialnumber=…,validfrom=…,validto=…``: the
subject in the order of the certificate, then its serial number and its period in the time of
Tashkent, all in lower case. The vendor's page script turns it into capitals and cuts it at a
comma, letters and an equals sign; others cut it at every comma. There is no escape that both
know, so a comma in a value is written as U+201A, which looks like one.

An alias is what a file says of itself. It proves nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from asn1crypto import x509

from tunnel_gateway.pki.certificate import Certificate, in_tashkent
from tunnel_gateway.pki.names import labelled

_COMMA: Final = ","
_LIKE_A_COMMA: Final = "\u201a"
# The subject's own attribute of that name; in an alias the word stands for the certificate's.
_TAKEN: Final = "SERIALNUMBER"
_ITS_IDENTIFIER: Final = "2.5.4.5"


def make_alias(certificate: Certificate) -> str:
    """Return the alias of the key that ``certificate`` is for."""
    subject = x509.Certificate.load(certificate.der).subject
    fields = [
        (_ITS_IDENTIFIER if label == _TAKEN else label, value) for label, value in labelled(subject)
    ]
    fields += [
        ("serialnumber", certificate.serial_hex),
        ("validfrom", _time(certificate.not_before)),
        ("validto", _time(certificate.not_after)),
    ]
    return _COMMA.join(
        f"{name}={value.replace(_COMMA, _LIKE_A_COMMA)}" for name, value in fields
    ).lower()


def alias_fields(alias: str) -> dict[str, str]:
    """Return what an alias says, by its names; of two values with one name, the first."""
    found: dict[str, str] = {}
    for part in alias.split(_COMMA):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.lower(), value)
    return found


def _time(moment: datetime) -> str:
    return f"{in_tashkent(moment):%Y.%m.%d %H:%M:%S}"
