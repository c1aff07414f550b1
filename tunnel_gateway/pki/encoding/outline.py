"""A certificate's outline: where its parts lie, found by a dozen tags and lengths.

The parts themselves are not read, so an outline costs some microseconds for any certificate. It is
used until a known centre is proven to have signed the certificate.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tunnel_gateway.pki.encoding import der, tags

# Certificates of the national centres have 1-2 KiB; the protocol gives a whole chain 16 KiB.
MAX_CERTIFICATE_SIZE: Final = 16 * 1024
# Names are prepared for comparison letter by letter, some microseconds each.
MAX_NAME_SIZE: Final = 2048
# RFC 5280, 4.1.2.2: at most 20 bytes.
MAX_SERIAL_SIZE: Final = 20
# An RSA key of 8192 bits, which is not one of ours, has 1,060 bytes.
_MAX_KEY_SIZE: Final = 2048
_MAX_ALGORITHM_SIZE: Final = 128
# RFC 5280, 4.1: ten fields at most, of which the first and the last ones may be absent.
_FIELDS: Final = 10
_VERSION: Final = tags.context(0, constructed=True)
_EXTENSIONS: Final = tags.context(3, constructed=True)
# Enough for any certificate seen, and few enough that nothing quadratic can hurt.
MAX_EXTENSIONS: Final = 32
_EXTENSION_FIELDS: Final = 3
# 2.5.29.35 and 2.5.29.14, without tag and length.
_AUTHORITY_KEY: Final = bytes.fromhex("551d23")
_SUBJECT_KEY: Final = bytes.fromhex("551d0e")
_KEY_IDENTIFIER: Final = tags.context(0)
# 2.5.29.19, and of its fields cA, which DER leaves out where it is FALSE.
_BASIC_CONSTRAINTS: Final = bytes.fromhex("551d13")
_FALSE: Final = b"\0"
# The certificates of centres come again with every user. A stranger's certificates can take their
# place here, and then they are read again. Five megabytes at most, with their extensions.
_LAST_READ: Final = 64


@dataclass(frozen=True, slots=True)
class Outline:
    """The parts of a certificate: whole values in DER, except ``serial`` and ``signature``.

    ``body`` is the signed part (tbsCertificate), ``key`` its subjectPublicKeyInfo, ``extensions``
    the SEQUENCE of all extensions, or empty.
    """

    der: bytes
    body: bytes
    serial: int
    issuer: bytes
    subject: bytes
    key: bytes
    extensions: bytes
    algorithm: bytes
    signature: bytes

    @classmethod
    @functools.lru_cache(_LAST_READ)
    def read(cls, data: bytes) -> Outline:
        """Split ``data``; raises ValueError if it is not built like a certificate."""
        if len(data) > MAX_CERTIFICATE_SIZE:
            raise ValueError(f"{len(data)} bytes, and {MAX_CERTIFICATE_SIZE} is the limit")
        parts = der.values(der.contents(data, tags.SEQUENCE), 3)
        if [part.tag for part in parts] != [tags.SEQUENCE, tags.SEQUENCE, tags.BIT_STRING]:
            raise ValueError("it is not built like a certificate (RFC 5280, 4.1)")
        body, algorithm, signature = parts
        fields = der.values(body.contents, _FIELDS)
        if fields and fields[0].tag == _VERSION:
            del fields[0]
        expected = [tags.INTEGER] + [tags.SEQUENCE] * 5
        if [field.tag for field in fields[:6]] != expected:
            raise ValueError("it is not built like a certificate (RFC 5280, 4.1)")
        serial, inner, issuer, _, subject, key = fields[:6]
        for name, part in (("issuer", issuer), ("subject", subject)):
            if len(part.whole) > MAX_NAME_SIZE:
                raise ValueError(f"its {name} is a name of more than {MAX_NAME_SIZE} bytes")
        if inner.whole != algorithm.whole:
            raise ValueError("the two fields that name the signature algorithm differ")
        # The first byte of a BIT STRING counts the unused bits at its end. It is not signed, so one
        # certificate would have several fingerprints.
        if signature.contents[:1] != b"\0":
            raise ValueError("its signature is not a number of whole bytes")
        if len(algorithm.whole) > _MAX_ALGORITHM_SIZE or len(key.whole) > _MAX_KEY_SIZE:
            raise ValueError("its key or its signature algorithm is longer than any in use")
        number = int.from_bytes(serial.contents[: MAX_SERIAL_SIZE + 1], "big", signed=True)
        if len(serial.contents) > MAX_SERIAL_SIZE or number <= 0:
            raise ValueError("the serial number is not a positive number of at most 20 bytes")
        return cls(
            der=data,
            body=body.whole,
            serial=number,
            issuer=issuer.whole,
            subject=subject.whole,
            key=key.whole,
            extensions=next(
                (field.contents for field in fields[6:] if field.tag == _EXTENSIONS), b""
            ),
            algorithm=algorithm.whole,
            signature=signature.contents[1:],
        )

    def key_identifiers(self) -> tuple[bytes | None, bytes | None]:
        """Return the identifiers of its issuer's key and of its own key, None for a missing one.

        Raises ValueError for malformed extensions, and for too many.
        """
        contents = _contents(self.extensions)
        authority, subject = contents.get(_AUTHORITY_KEY), contents.get(_SUBJECT_KEY)
        of_issuer = der.values(der.contents(authority, tags.SEQUENCE), 3) if authority else []
        return (
            next((field.contents for field in of_issuer if field.tag == _KEY_IDENTIFIER), None),
            der.contents(subject, tags.OCTET_STRING) if subject else None,
        )

    def is_ca(self) -> bool:
        """Tell whether its basicConstraints name a CA; raises like ``key_identifiers``."""
        constraints = _contents(self.extensions).get(_BASIC_CONSTRAINTS)
        fields = der.values(der.contents(constraints, tags.SEQUENCE), 2) if constraints else []
        return any(field.tag == tags.BOOLEAN and field.contents != _FALSE for field in fields)


@functools.lru_cache(_LAST_READ)
def split_extensions(extensions: bytes) -> Sequence[tuple[int, Sequence[der.Value]]]:
    """Return the tag and the fields of each extension of a SEQUENCE, which may be absent.

    The fields are the identifier, the flag if there is one, and the value. Raises ValueError for
    malformed extensions, and for too many.
    """
    if not extensions:
        return ()
    listed = der.values(der.contents(extensions, tags.SEQUENCE), MAX_EXTENSIONS)
    return [(each.tag, der.values(each.contents, _EXTENSION_FIELDS)) for each in listed]


@functools.lru_cache(_LAST_READ)
def _contents(extensions: bytes) -> Mapping[bytes, bytes]:
    """Return the contents of each extension by its identifier, without tag and length."""
    contents: dict[bytes, bytes] = {}
    for _, (identifier, *_, content) in split_extensions(extensions):
        contents[identifier.contents] = content.contents
    return contents
