"""Names in certificates: distinguished names as text for people, and domain names."""

from __future__ import annotations

import contextlib
import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from asn1crypto import x509

from tunnel_gateway.pki.encoding import der, tags

# The labels of the vendor's server; an attribute that is not here goes by its identifier.
LABELS: Final = {
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
_LIMIT: Final = _MAX_ATTRIBUTES + 1
# How many characters of an attribute are shown if it is not text.
_MAX_SHOWN: Final = 64
_MAX_QUOTED: Final = 200
# Some letters turn into as many as 18 when names are compared, which takes its time. Ligatures
# and the like make two of one; an ellipsis or two is fine.
_SPARE_LETTERS: Final = 8
# To put marks (accents and the like) in their order takes time quadratic in how many follow each
# other: milliseconds for a kilobyte. Streams of Unicode may have 30 in a row (UAX #15, section 13).
_MANY_MARKS: Final = re.compile(rb"[^\0]{31}")
# Letters that are not marks, but whose decomposition begins with a mark.
_MARKED: Final = str.maketrans(dict.fromkeys("\u0f73\u0f75\u0f81\uff9e\uff9f", "\u0300"))
# How many prepared names are kept: the names of the centres come again with every certificate.
_PREPARED: Final = 1024
# How many resemblances are kept. A stranger's names can take the place of the centres' names, and
# then those are read again, which takes microseconds.
_RESEMBLING: Final = 256

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r'[,+"\\<>;]|^[ #]| $')
_NO_LETTERS = re.compile(r"[\W_]+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_DOMAIN_LENGTH: Final = 253

# X.680, section 41: the types of text. TeletexString is read as Latin-1, as everywhere.
_ENCODINGS: Final = {
    tags.UTF8_STRING: "utf-8",
    tags.NUMERIC_STRING: "ascii",
    tags.PRINTABLE_STRING: "ascii",
    tags.TELETEX_STRING: "latin-1",
    tags.IA5_STRING: "ascii",
    tags.VISIBLE_STRING: "ascii",
    tags.UNIVERSAL_STRING: "utf-32-be",
    tags.BMP_STRING: "utf-16-be",
}


class Attribute(NamedTuple):
    """An attribute of a name: the contents of its identifier, and its value, still in DER.

    A value has no ``text`` if it has another type, breaks the rules of its type, or has control
    characters (a zero byte in a name has fooled other readers of certificates before).
    """

    identifier: bytes
    value: bytes
    text: str | None

    @property
    def oid(self) -> str:
        """The identifier in dotted form; raises ValueError if it is malformed."""
        return der.dotted(self.identifier)


def attributes(name: bytes) -> list[Attribute]:
    """Return the attributes of a name, given in DER, in the order written.

    A strange value does not make the name unusable: code that needs an attribute asks for its text.
    Raises ValueError for bytes that are not built like a name, and for too many attributes.
    """
    read: list[Attribute] = []
    for relative in der.values(der.contents(name, tags.SEQUENCE), _LIMIT):
        for attribute in der.values(relative.contents, _LIMIT):
            parts = der.values(attribute.contents, 2)
            shape = relative.tag, attribute.tag, *(part.tag for part in parts[:1])
            if shape != (tags.SET, tags.SEQUENCE, tags.OBJECT_IDENTIFIER) or len(parts) != 2:
                raise ValueError("it is not built like a name (RFC 5280, 4.1.2.4)")
            identifier, value = parts
            read.append(Attribute(identifier.contents, value.whole, _text(value)))
            if len(read) > _MAX_ATTRIBUTES:
                raise ValueError(f"a name with more than {_MAX_ATTRIBUTES} attributes")
    return read


def _text(value: der.Value) -> str | None:
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        return None
    try:
        text = value.contents.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def labelled(name: bytes) -> Iterator[tuple[str, str]]:
    """Yield the label of each attribute, as the vendor's server prints it, and its text.

    A value that is not text is shown as in ``distinguished_name``. Raises ValueError like
    ``attributes``.
    """
    for attribute in attributes(name):
        text = _hex(attribute.value) if attribute.text is None else attribute.text
        yield label_of(attribute.oid), text


def _hex(value: bytes) -> str:
    shown = value.hex()
    return f"#{shown}" if len(shown) <= _MAX_SHOWN else f"#{shown[:_MAX_SHOWN]}…"


def label_of(oid: str) -> str:
    """Return what the vendor's server calls an attribute: its identifier, if it has no name."""
    return LABELS.get(oid, oid)


def distinguished_name(name: bytes) -> str:
    """Return the name as text, escaped as RFC 4514 says, e.g. ``CN=TestCA,O=test.e-imzo.uz``.

    The attributes keep the order of the certificate, as the vendor's server prints them (RFC 4514
    itself would reverse it). A value that is not text is shown as section 2.4 says: # and its DER
    in hexadecimal, cut if it is long. Raises ValueError like ``attributes``.
    """
    return written(attributes(name))


def written(attributes: Sequence[Attribute]) -> str:
    """Return the attributes of a name as text, like ``distinguished_name``."""
    parts = []
    for attribute in attributes:
        if attribute.text is None:
            text = _hex(attribute.value)
        else:
            text = _SPECIAL.sub(r"\\\g<0>", attribute.text)
        parts.append(f"{label_of(attribute.oid)}={text}")
    return ",".join(parts)


def quoted(name: str) -> str:
    """Return a distinguished name for a message: in angle brackets, and cut if it is very long.

    The name itself has such brackets only escaped, so code that masks names finds its end.
    """
    short = name if len(name) <= _MAX_QUOTED else name[:_MAX_QUOTED] + "…"
    return f"<{short}>"


def same_name(first: bytes, second: bytes) -> bool:
    """Tell whether two names in DER are the same (RFC 5280, section 7.1)."""
    return first == second or comparable(first) == comparable(second)


@functools.lru_cache(_RESEMBLING)
def resemblance(name: bytes) -> bytes | tuple[tuple[bytes, bytes], ...]:
    """Return a value that equal names share; some different names share it too.

    The comparison of RFC 5280 takes microseconds for each letter: too much work for a stranger.
    This takes nanoseconds, because only letters and digits count, in the widest sense.
    """
    try:
        read = attributes(name)
    except ValueError:
        return name
    return tuple(sorted((attribute.identifier, _letters(attribute)) for attribute in read))


class Resemblances:
    """The resemblances of the names that somebody shows, each made once.

    Of all names together ``limit`` bytes are looked into. Names beyond it resemble only themselves.
    ``known`` has the resemblances of names that cost nothing more.
    """

    def __init__(self, limit: int, known: Mapping[bytes, object] = MappingProxyType({})) -> None:
        self._limit = limit
        self._size = 0
        self._known = dict(known)

    def of(self, name: bytes) -> object:
        """Return the resemblance of a name in DER."""
        if name not in self._known:
            self._size += len(name)
            self._known[name] = resemblance(name) if self._size <= self._limit else name
        return self._known[name]


def _letters(attribute: Attribute) -> bytes:
    plain = _normalised(attribute.text)
    if plain is None:
        return attribute.value
    plain = unicodedata.normalize("NFKC", plain.casefold()).casefold()
    return _NO_LETTERS.sub("", plain).encode("utf-8", "surrogatepass")


def _normalised(text: str | None) -> str | None:
    """Return NFKC of a text; None for no text, too many marks, or too many letters out of few."""
    if text is None or text.isascii():
        return text
    if _MANY_MARKS.search(bytes(map(unicodedata.combining, text.translate(_MARKED)))):
        return None
    plain = unicodedata.normalize("NFKC", text)
    return plain if len(plain) <= 2 * len(text) + _SPARE_LETTERS else None


@functools.lru_cache(_PREPARED)
def _prepared(attribute: bytes) -> str:
    """Return an AttributeTypeAndValue in the form that is compared (RFC 4518).

    RFC 4518 does not prepare every value: not one that is not text, or has letters newer than
    Unicode 3.2, or too many letters out of one. Such a value is compared by its bytes.
    """
    identifier, value = der.values(der.contents(attribute, tags.SEQUENCE), 2)
    kind, text = der.dotted(identifier.contents), _text(value)
    if text is not None and _normalised(text) is not None:
        with contextlib.suppress(ValueError):
            return f"{kind}: {_LIBRARY._ldap_string_prep(text)}"  # noqa: SLF001
    return f"{kind}: \0{value.whole.hex()}"  # no prepared text has a control character


@functools.lru_cache(_PREPARED)
def comparable(name: bytes) -> str:
    """Return a value that is the same for equal names, and only for them."""
    return "\x1e".join(
        "\x1f".join(
            sorted(_prepared(value.whole) for value in der.values(relative.contents, _LIMIT))
        )
        for relative in der.values(der.contents(name, tags.SEQUENCE), _LIMIT)
    )


def _same(name: x509.Name, other: object) -> bool:
    return isinstance(other, x509.Name) and bool(name.hashable == other.hashable)


# asn1crypto compares and shows names by these properties. Its own would prepare each name again at
# each use, which takes most of a certificate's time, and would raise for a value that is not text.
_LIBRARY: Final = x509.NameTypeAndValue()
x509.NameTypeAndValue.prepped_value = property(lambda attribute: _prepared(attribute.dump()))
x509.Name.hashable = property(lambda name: comparable(name.chosen.dump()))
x509.Name.human_friendly = property(lambda name: quoted(distinguished_name(name.chosen.dump())))
x509.Name.__eq__ = _same


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
