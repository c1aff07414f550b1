"""Chains that a stranger can make and show: each costs a careless reader much, and is worthless.

What he can choose is all of 16 KiB but the signature of a centre that is trusted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from asn1crypto import core, x509

from tests.support.paths import make
from tests.support.pki import altered, authority, extension, user
from tunnel_gateway.pki.authority import CENTRE, USER
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.ber import write

ROOM = 15_000
_SEQUENCE, _SET = 0x30, 0x31


@functools.cache
def _leaf() -> Certificate:
    """A user's certificate to alter; one is enough, because each chain is checked alone."""
    return user().leaf


def hostile_chains() -> dict[str, list[bytes]]:
    """Every kind by its name; none has more than 16 KiB."""
    root = authority().root.leaf
    issuer = x509.Certificate.load(root.der).subject.dump()
    found: dict[str, list[bytes]] = {}
    for name, oid, content in _extensions():
        forged = _with(extension(oid, content).dump(), issuer)
        own = _with(extension(oid, content).dump(), _name(b"\x0c\x03own"))
        found[name] = [own]
        found[f"{name}, in a centre's name"] = [forged]
    for name, value in _names():
        found[f"{name} as issuer"] = [altered(_leaf(), issuer=value)]
        found[f"{name} as subject"] = [altered(_leaf(), subject=value, issuer=issuer)]
    found["many extensions"] = [
        _with(extension("1.2.3", b"\x05\x00").dump() * (ROOM // 12), issuer)
    ]
    found["nested sequences"] = [_nested()]
    found["no certificate: empty values"] = [write(_SEQUENCE, b"\x30\x00" * (ROOM // 2))]
    for name, arcs in (("many arcs", b"\x01" * 7000), ("one number", b"\xff" * 7000 + b"\x01")):
        algorithm = write(_SEQUENCE, write(6, arcs))
        found[f"an algorithm of {name}"] = [altered(_leaf(), signature=algorithm)]
    found["a long serial number"] = [
        altered(_leaf(), serial_number=write(2, b"\x01" * ROOM), issuer=issuer)
    ]
    found["a long key"] = [
        altered(_leaf(), subject_public_key_info=write(_SEQUENCE, b"\x05\x00" * (ROOM // 2)))
    ]
    found["a large certificate in a centre's name"] = [
        _with(extension("1.2.3", bytes(ROOM)).dump(), issuer)
    ]
    found["eight in a centre's name"] = [
        altered(user().leaf, issuer=issuer, serial_number=core.Integer(n + 1).dump())
        for n in range(8)
    ]
    found["eight of one name"] = _namesakes(8)
    found["eight that are each other's"] = _crossed(8)
    for kind, letters in (("marks", "\u0345\u0301\u0316" * 310), ("ligatures", "\ufdfa" * 620)):
        found[f"six with names of {kind}"] = [
            altered(user().leaf, issuer=_name(write(0x0C, f"{n}{letters}".encode())))
            for n in range(6)
        ]
    found["eight with long names"] = [
        altered(user().leaf, issuer=_long_name(n), subject=_long_name(n + 1)) for n in range(8)
    ]
    return found


def _extensions() -> Iterator[tuple[str, str, bytes]]:
    """Name, identifier and content of extensions full of what takes time to read."""
    names, points, information = "2.5.29.17", "2.5.29.31", "1.3.6.1.5.5.7.1.1"
    empty, directory = write(0xA4, b"\x30\x00"), write(0xA4, _name(b"\x0c\x01a"))
    idn = write(0x81, b"a@xn--80aaa.uz")
    yield "empty directoryNames", names, full(empty)
    yield "directoryNames", names, full(directory)
    yield "URIs", names, full(write(0x86, b"http://a.uz"))
    yield "IDN mail names", names, full(idn)
    yield "IDN names", names, full(write(0x82, b"xn--80aaa.uz"))
    yield "empty names", names, full(b"\x82\x00")
    yield "other names", names, full(write(0xA0, b"\x06\x01\x2a\xa0\x02\x05\x00"))
    yield "names of issuers", "2.5.29.18", full(empty)
    yield "distribution points", points, full(b"\x30\x00")
    point = write(_SEQUENCE, write(0xA0, write(0xA0, write(0x86, b"http://a"))))
    yield "distribution points with addresses", points, full(point)
    yield (
        "one distribution point",
        points,
        write(_SEQUENCE, write(_SEQUENCE, write(0xA0, write(0xA0, empty * (ROOM // 4))))),
    )
    access = write(_SEQUENCE, bytes.fromhex("06082b06010505073001") + write(0x86, b"http://a"))
    yield "responders", information, full(access)
    yield "policies", "2.5.29.32", full(write(_SEQUENCE, b"\x06\x01\x2a"))
    yield "policy mappings", "2.5.29.33", full(write(_SEQUENCE, b"\x06\x01\x2a\x06\x01\x2b"))
    yield "purposes", "2.5.29.37", full(b"\x06\x01\x2a")
    yield "a purpose of many arcs", "2.5.29.37", write(_SEQUENCE, write(6, b"\x01" * ROOM))
    constraint = write(_SEQUENCE, b"\x82\x01a")
    yield "name constraints", "2.5.29.30", write(_SEQUENCE, write(0xA0, constraint * (ROOM // 5)))
    yield "an issuer's names", "2.5.29.35", write(_SEQUENCE, write(0xA1, empty * (ROOM // 4)))
    yield "directory attributes", "2.5.29.9", full(write(_SEQUENCE, b"\x06\x01\x2a\x31\x00"))


def _names() -> Iterator[tuple[str, bytes]]:
    one = write(_SET, write(_SEQUENCE, b"\x06\x03\x55\x04\x03\x0c\x01a"))
    pair = write(_SEQUENCE, b"\x06\x03\x55\x04\x03\x0c\x01a")
    empty = write(_SET, b"")
    for size in (2000, ROOM):
        yield f"{size} bytes of attributes", write(_SEQUENCE, one * (size // len(one)))
        yield f"{size} bytes of one RDN", write(_SEQUENCE, write(_SET, pair * (size // len(pair))))
        yield f"{size} bytes of empty RDNs", write(_SEQUENCE, empty * (size // len(empty)))
        yield f"{size} bytes of letters", _name(write(0x0C, b"a" * (size - 20)))
        yield f"{size} bytes of ligatures", _name(write(0x0C, "\ufdfa".encode() * (size // 3 - 9)))
        marks = ("\u0345" * (size // 6) + "\u0301" * (size // 6) + "\u0316" * (size // 6)).encode()
        yield f"{size} bytes of marks", _name(write(0x0C, marks[: -(len(marks) % 2) - 40]))
        yield (
            f"{size} bytes of an identifier",
            write(
                _SEQUENCE,
                write(_SET, write(_SEQUENCE, write(6, b"\x81" * (size - 40) + b"\1\5\0"))),
            ),
        )


def full(element: bytes) -> bytes:
    """A SEQUENCE that is full of one element."""
    return write(_SEQUENCE, element * (ROOM // len(element)))


def _name(value: bytes) -> bytes:
    return write(_SEQUENCE, write(_SET, write(_SEQUENCE, b"\x06\x03\x55\x04\x03" + value)))


def _long_name(number: int) -> bytes:
    one = write(_SET, write(_SEQUENCE, b"\x06\x03\x55\x04\x03" + write(0x0C, b"%08d" % number)))
    return write(_SEQUENCE, one * 36)


def _with(extensions: bytes, issuer: bytes) -> bytes:
    return altered(_leaf(), issuer=issuer, extensions=write(0xA3, write(_SEQUENCE, extensions)))


def _nested() -> bytes:
    deep = b"\x05\x00"
    while len(deep) < ROOM:
        deep = write(_SEQUENCE, deep)
    return deep


def _namesakes(count: int) -> list[bytes]:
    """Centres of the root's name, and a leaf that any of them may have signed."""
    name = x509.Certificate.load(authority().root.leaf.der).subject.dump()
    centres = [
        altered(make(None, "C", CENTRE).leaf, issuer=name, subject=name) for _ in range(count)
    ]
    return [altered(user().leaf, issuer=name), *centres[1:]]


def _crossed(count: int) -> list[bytes]:
    issuer = make(None, "Same", CENTRE)
    chain: list[Certificate] = []
    for _ in range(count):
        issuer = make(issuer, "Same", CENTRE)
        chain.insert(0, issuer.leaf)
    leaf = make(issuer, "A user", USER).leaf
    return [leaf.der, *(one.der for one in chain[: count - 1])]
