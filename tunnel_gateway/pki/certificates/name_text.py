"""A name written as text and read again, as RFC 4514 writes it: ``CN=Ali Valiyev,C=UZ``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asn1crypto import x509

from tunnel_gateway.pki.certificates.names import LABELS

MAX_TEXT: Final = 4096
_MAX_ATTRIBUTES: Final = 40
_MAX_VALUE: Final = 500
_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,20}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PAIR: Final = re.compile(r"\\([,+\"\\<>;=# ])")
_OIDS: Final = {label.upper(): oid for oid, label in LABELS.items()}


def is_identifier(text: str) -> bool:
    """Tell whether a text is an object identifier in dotted form."""
    return _OID.fullmatch(text) is not None


def read_name(text: str) -> bytes:
    """Return the name in DER, its attributes in the order of the text.

    A label is one of those that E-IMZO prints, in any case, or a dotted identifier. A comma in a
    value has a backslash before it. Raises ValueError.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"a name of {len(text)} characters; {MAX_TEXT} is the limit")
    parts = list(_parts(text))
    if len(parts) > _MAX_ATTRIBUTES:
        raise ValueError(f"a name with more than {_MAX_ATTRIBUTES} attributes")
    relatives = []
    for part in parts:
        label, equals, value = part.partition("=")
        oid = _OIDS.get(label.strip().upper(), label.strip())
        value = _PAIR.sub(r"\1", value)
        if not (equals and value and len(value) <= _MAX_VALUE) or _CONTROL.search(value):
            raise ValueError("an attribute that is not LABEL=VALUE")
        if not is_identifier(oid):
            raise ValueError("an attribute with a label that is not known")
        form = "printable_string" if oid == _OIDS["C"] and value.isascii() else "utf8_string"
        written = x509.DirectoryString(name=form, value=value)
        pair = x509.NameTypeAndValue({"type": oid, "value": written})
        relatives.append(x509.RelativeDistinguishedName([pair]))
    return bytes(x509.Name(name="", value=x509.RDNSequence(relatives)).dump())


def _parts(text: str) -> Iterator[str]:
    """Split at the commas that have no backslash before them."""
    begin = at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == ",":
            yield text[begin:at]
            begin = at + 1
        at += 1
    yield text[begin:]
