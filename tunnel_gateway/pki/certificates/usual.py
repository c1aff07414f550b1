"""The usual certificate, read by its tags and lengths: what the national centres issue.

asn1crypto takes a millisecond for a certificate, most of it for objects that nobody uses. This
reader takes a tenth of that. It reads the forms that DER prescribes and the extensions that users,
domains and centres have. For anything else it gives up, and the long way decides what the
certificate is, or what is wrong with it. So this reader refuses nothing, and it must never read
what the long way refuses or reads in another way: a test compares both.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tunnel_gateway.errors import InvalidPointError
from tunnel_gateway.gost.curves import PublicKey
from tunnel_gateway.pki.certificates import extensions, names
from tunnel_gateway.pki.encoding import der, tags
from tunnel_gateway.pki.encoding.oids import (
    FAMILIES,
    FAMILY_BY_KEY_OID,
    INN_OID,
    PINFL_OID,
    Family,
)
from tunnel_gateway.pki.encoding.outline import MAX_SERIAL_SIZE, Outline, split_extensions
from tunnel_gateway.pki.encoding.times import read_time

# The bits of keyUsage in their order, and the purposes (RFC 5280, 4.2.1.3 and 4.2.1.12).
KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
EXTENDED_KEY_USAGES: Final = {
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}

# The attributes of a subject that programs need.
_PERSONAL: Final = {
    "2.5.4.3": "common_name",
    PINFL_OID: "pinfl",
    INN_OID: "inn",
    "0.9.2342.19200300.100.1.1": "uid",
}
_SIGNATURE_NAMES: Final = {family.signature_oid: family.signature_name for family in FAMILIES}

_AUTHORITY_KEY: Final = "2.5.29.35"
_SUBJECT_KEY: Final = "2.5.29.14"
_KEY_USAGE: Final = "2.5.29.15"
_PURPOSES: Final = "2.5.29.37"
_POLICIES: Final = "2.5.29.32"
_CONSTRAINTS: Final = "2.5.29.19"
_ALTERNATIVES: Final = "2.5.29.17"
_DISTRIBUTION_POINTS: Final = "2.5.29.31"
_INFORMATION: Final = "1.3.6.1.5.5.7.1.1"

_BODY_PARTS: Final = 8
_VERSION_3: Final = bytes.fromhex("a003020102")
_EXTENSIONS: Final = tags.context(3, constructed=True)
_NULL: Final = b"\x05\x00"
_TRUE: Final = b"\xff"
# A BIT STRING without unused bits, in it an OCTET STRING with a point.
_POINT: Final = bytes.fromhex("000440")
_KEY_PARAMETERS: Final = 3
_KEY_SHAPES: Final = (tags.SEQUENCE, tags.SEQUENCE, tags.BIT_STRING)
_MAX_LIST: Final = 64
_SMALL: Final = 0x80
# The names of the centres come again with every certificate.
_NAMES: Final = 256

_KEY_ID: Final = tags.context(0)
_KEY_ISSUER: Final = tags.context(1, constructed=True)
_KEY_SERIAL: Final = tags.context(2)
_DIRECTORY_NAME: Final = tags.context(4, constructed=True)
_NAME_TAGS: Final = frozenset(
    {tags.context(1), tags.context(2), tags.context(6), tags.context(7), _DIRECTORY_NAME}
)


def usual_fields(outline: Outline) -> dict[str, Any] | None:
    """Return the fields of ``Certificate`` that are read here; None for an unusual certificate."""
    try:
        return _fields(outline)
    except (ValueError, InvalidPointError):
        return None


def _fields(outline: Outline) -> dict[str, Any]:
    version, _, _, _, validity, _, _, listed = der.values(
        der.contents(outline.body, tags.SEQUENCE), _BODY_PARTS
    )
    extended = listed.tag == _EXTENSIONS and listed.contents
    if version.whole != _VERSION_3 or not extended or der.has_long_number(outline.der):
        raise ValueError("another version, or other parts")
    not_before, not_after = _times(validity)
    family, public_key = _public_key(outline.key)
    values = _values(listed.contents)
    return {
        "not_before": not_before,
        "not_after": not_after,
        "public_key": public_key,
        "family": family,
        "signature_algorithm": _signature_name(outline.algorithm),
        "issuer": _name_of_centre(outline.issuer),
        **_subject(outline.subject),
        **_extensions(values),
    }


def _times(validity: der.Value) -> tuple[datetime, datetime]:
    not_before, not_after = (
        read_time(value.tag, value.contents) for value in der.values(validity.contents, 2)
    )
    if not_before > not_after:
        raise ValueError("a validity period that ends before it begins")
    return not_before, not_after


def _signature_name(algorithm: bytes) -> str:
    kind, *parameters = der.values(der.contents(algorithm, tags.SEQUENCE), 2)
    name = _SIGNATURE_NAMES.get(_identifier(kind))
    if name is None or any(parameter.whole != _NULL for parameter in parameters):
        raise ValueError("another algorithm")
    return name


def _identifier(value: der.Value) -> str:
    if value.tag != tags.OBJECT_IDENTIFIER:
        raise ValueError("not an object identifier")
    return der.dotted(value.contents)


def _public_key(whole: bytes) -> tuple[Family, PublicKey]:
    algorithm, point = der.values(der.contents(whole, tags.SEQUENCE), 2)
    kind, parameters = der.values(algorithm.contents, 2)
    first, *others = der.values(parameters.contents, _KEY_PARAMETERS)
    family = FAMILY_BY_KEY_OID.get(_identifier(kind))
    curve = None if family is None else family.parameter_sets.get(_identifier(first))
    plain = all(other.tag == tags.OBJECT_IDENTIFIER for other in others)
    shapes = algorithm.tag, parameters.tag, point.tag
    if family is None or curve is None or not plain or shapes != _KEY_SHAPES:
        raise ValueError("another kind of key")
    if not point.contents.startswith(_POINT):
        raise ValueError("not a point")
    return family, PublicKey(curve, point.contents[len(_POINT) :])


@functools.lru_cache(_NAMES)
def _name_of_centre(name: bytes) -> str:
    return names.distinguished_name(name)


def _subject(name: bytes) -> dict[str, object]:
    attributes = names.attributes(name)
    if not attributes:
        raise ValueError("no subject")
    return {"subject": names.written(attributes), **person(attributes)}


def person(attributes: Sequence[names.Attribute]) -> dict[str, str | None]:
    """Return the attributes of a subject that programs need, by their names in ``Certificate``.

    Raises ValueError if one is not text, or has several different values.
    """
    values: dict[str, str] = {}
    for attribute in attributes:
        field = _PERSONAL.get(attribute.oid)
        if field is None:
            continue
        if attribute.text is None:
            raise ValueError(
                f"the {names.label_of(attribute.oid)} of its subject is not plain text"
            )
        if values.setdefault(field, attribute.text) != attribute.text:
            # Of two values each reader could choose another one, and they say who a person is.
            raise ValueError(f"the subject has several different values of {attribute.oid}")
    return {field: values.get(field) for field in _PERSONAL.values()}


def _values(listed: bytes) -> dict[str, bytes]:
    """Return the value of each extension, in DER, by its dotted identifier."""
    values: dict[str, bytes] = {}
    every = split_extensions(listed)
    for tag, (kind, *flag, content) in every:
        if any(value.tag != tags.BOOLEAN or value.contents != _TRUE for value in flag):
            raise ValueError("a flag that is not DER")
        if content.tag != tags.OCTET_STRING or tag != tags.SEQUENCE:
            raise ValueError("not an extension")
        values[_identifier(kind)] = content.contents
    if len(values) != len(every) or values.keys() & extensions.BINDING:
        raise ValueError("an unusual extension, or one of them twice")
    return values


def _extensions(values: Mapping[str, bytes]) -> dict[str, object]:
    _check_authority_key(values.get(_AUTHORITY_KEY))
    if (key := values.get(_SUBJECT_KEY)) is not None:
        der.contents(key, tags.OCTET_STRING)
    usages = _key_usage(values.get(_KEY_USAGE))
    is_ca, path_length = _constraints(values.get(_CONSTRAINTS))
    if usages is not None and "keyCertSign" in usages and not is_ca:
        raise ValueError("keyCertSign without cA")
    alternatives = values.get(_ALTERNATIVES)
    if alternatives is not None and any(
        name.tag not in _NAME_TAGS or not name.contents.isascii()
        for name in _listed(alternatives)
        if name.tag != _DIRECTORY_NAME
    ):
        raise ValueError("an unusual name")
    policies = values.get(_POLICIES)
    purposes = values.get(_PURPOSES)
    return {
        "dns_names": extensions.dns_names(alternatives),
        "has_alternative_names": alternatives is not None,
        "key_usage": usages,
        "extended_key_usage": None
        if purposes is None
        else frozenset(map(_purpose, _listed(purposes))),
        "policies": None if policies is None else tuple(map(_policy, _listed(policies))),
        "is_ca": is_ca,
        "path_length": path_length,
        "constrains_names": False,
        "crl_urls": extensions.list_addresses(values.get(_DISTRIBUTION_POINTS)),
        "ocsp_urls": extensions.responder_addresses(values.get(_INFORMATION)),
    }


def _listed(content: bytes) -> list[der.Value]:
    listed = der.values(der.contents(content, tags.SEQUENCE), _MAX_LIST)
    if not listed:
        raise ValueError("an empty list")
    return listed


def _purpose(value: der.Value) -> str:
    oid = _identifier(value)
    return EXTENDED_KEY_USAGES.get(oid, oid)


def _policy(value: der.Value) -> str:
    kind, *_ = der.values(value.contents, 2)
    if value.tag != tags.SEQUENCE:
        raise ValueError("not a policy")
    return _identifier(kind)


def _key_usage(content: bytes | None) -> frozenset[str] | None:
    if content is None:
        return None
    unused, *octets = der.contents(content, tags.BIT_STRING)
    if not 0 < len(octets) <= 2 or unused >= 8:
        raise ValueError("an unusual keyUsage")
    size = 8 * len(octets) - unused
    bits = int.from_bytes(bytes(octets), "big") >> unused
    if size > len(KEY_USAGES) or int.from_bytes(bytes(octets), "big") != bits << unused:
        raise ValueError("an unusual keyUsage")
    return frozenset(KEY_USAGES[bit] for bit in range(size) if bits >> (size - 1 - bit) & 1)


def _constraints(content: bytes | None) -> tuple[bool, int | None]:
    if content is None:
        return False, None
    is_ca, *length = der.values(der.contents(content, tags.SEQUENCE), 2) or (None,)
    if is_ca is None:
        return False, None
    numbers = [value.contents for value in length]
    if is_ca.tag != tags.BOOLEAN or is_ca.contents != _TRUE:
        raise ValueError("a flag that is not DER")
    if not length:
        return True, None
    if length[0].tag != tags.INTEGER or len(numbers[0]) != 1 or numbers[0][0] >= _SMALL:
        raise ValueError("an unusual length")
    return True, numbers[0][0]


def _check_authority_key(content: bytes | None) -> None:
    if content is None:
        return
    fields = {value.tag: value for value in der.values(der.contents(content, tags.SEQUENCE), 3)}
    if list(fields) != [tag for tag in (_KEY_ID, _KEY_ISSUER, _KEY_SERIAL) if tag in fields]:
        raise ValueError("another authorityKeyIdentifier")
    if (serial := fields.get(_KEY_SERIAL)) and not 0 < len(serial.contents) <= MAX_SERIAL_SIZE:
        raise ValueError("not a serial number")
    if (issuer := fields.get(_KEY_ISSUER)) is not None:
        (name,) = der.values(issuer.contents, 1)
        if name.tag != _DIRECTORY_NAME:
            raise ValueError("another kind of name")
        _name_of_centre(name.contents)
