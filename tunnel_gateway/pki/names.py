"""Names in certificates: distinguished names as text for people, and domain names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from asn1crypto import x509

# The labels of the vendor's server; an attribute that is not here goes by its identifier.
_LABELS: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SURNAME",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "T",
    "2.5.4.15": "BusinessCategory",
    "2.5.4.41": "Name",
    "2.5.4.42": "GIVENNAME",
    "1.2.840.113549.1.9.1": "E",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_MAX_ATTRIBUTES: Final = 40
# Some letters turn into as many as 18 when names are compared, which takes its time. Ligatures
# and the like make two of one; an ellipsis or two is fine.
_SPARE_LETTERS: Final = 8

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r'[,+"\\<>;]|^[ #]| $')
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_DOMAIN_LENGTH: Final = 253


def attributes(name: x509.Name) -> Iterator[tuple[str, str]]:
    """Yield the dotted identifier and the text of each attribute, in the order written.

    Raises ValueError for too many attributes, for a value that is not text or is much longer
    than it looks, and for control characters: a zero byte in a name has fooled other readers
    of certificates before.
    """
    count = 0
    for relative in name.chosen:
        for attribute in relative:
            count += 1
            value = attribute["value"].native
            if count > _MAX_ATTRIBUTES:
                raise ValueError(f"a name with more than {_MAX_ATTRIBUTES} attributes")
            if not isinstance(value, str) or _CONTROL.search(value):
                raise ValueError("a name with an attribute that is not plain text")
            if len(unicodedata.normalize("NFKC", value)) > 2 * len(value) + _SPARE_LETTERS:
                raise ValueError("a name with letters that stand for many others")
            yield attribute["type"].dotted, value


def labelled(name: x509.Name) -> Iterator[tuple[str, str]]:
    """Yield the label of each attribute, as the vendor's server prints it, and its text.

    Raises ValueError like ``attributes``.
    """
    for oid, value in attributes(name):
        yield _LABELS.get(oid, oid), value


def distinguished_name(name: x509.Name) -> str:
    """Return the name as text, escaped as RFC 4514 says, e.g. ``CN=TestCA,O=test.e-imzo.uz``.

    The attributes keep the order of the certificate, as in what the vendor's server prints
    (RFC 4514 itself would turn them round). Raises ValueError like ``attributes``.
    """
    return ",".join(f"{label}={_escape(value)}" for label, value in labelled(name))


def _escape(value: str) -> str:
    return _SPECIAL.sub(lambda match: "\\" + match.group(), value)


def normalise_domain(text: str) -> str:
    """Return a domain name as lower-case A-labels, without the dot of the root.

    Raises ValueError for what is not a domain name, IP addresses among it: an address never
    matches a certificate.
    """
    try:
        domain = text.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError as fault:
        raise ValueError(f"not a domain name: {text!a}") from fault
    labels = domain.split(".")
    # A last label of digits makes the whole an IPv4 address to browsers (WHATWG URL, 3.5).
    if (
        len(domain) > _MAX_DOMAIN_LENGTH
        or labels[-1].isdigit()
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError(f"not a domain name: {text!a}")
    return domain


def domain_matches(pattern: str, domain: str) -> bool:
    """Tell whether a name in a certificate stands for ``domain``, a normalised name.

    A wildcard is the whole left-most label, stands for exactly one label, and must leave two
    labels or more to its right, so that no one is certified for a whole top-level domain
    (RFC 6125, 6.4.3; the rest is stricter than it asks).
    """
    wildcard = pattern.startswith("*.")
    try:
        known = normalise_domain(pattern.removeprefix("*."))
    except ValueError:
        return False
    if not wildcard:
        return known == domain
    return "." in known and domain.partition(".")[2] == known
