"""The short way to a path accepts what the library accepts, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from asn1crypto import core, x509
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pki.trust.test_paths import name_constraints
from tests.support.paths import make
from tests.support.pki import DAY, MADE, NOW, altered, authority, extension, stranger
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.pki.authority import ROOT, USER
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.outline import Outline
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.last_link import is_plain, only_issuer
from tunnel_gateway.pki.trust.validation import ChainValidator

FREE = make(None, "Free", ROOT, path_length=None)
STRICT = make(None, "Strict", ROOT, path_length=0)
ENDED = make(None, "Ended", ROOT, path_length=None, not_after=NOW + DAY)
ANCHORS = [FREE.leaf, STRICT.leaf, ENDED.leaf, authority().root.leaf]


def policy_constraints(*, critical: bool = True) -> x509.Extension:
    value = x509.PolicyConstraints({"require_explicit_policy": 0}).dump()
    return extension("2.5.29.36", value, critical=critical)


ANOTHER_KEY = x509.AuthorityKeyIdentifier({"key_identifier": b"another key"}).dump()


def of_another_key(leaf: Certificate, signer: Identity) -> bytes:
    """The certificate with another key identifier of its issuer."""
    listed = x509.Certificate.load(leaf.der)["tbs_certificate"]["extensions"]
    kept = [one.dump() for one in listed if one["extn_id"].dotted != "2.5.29.35"]
    contents = b"".join([*kept, extension("2.5.29.35", ANOTHER_KEY).dump()])
    whole = ber.write(tags.SEQUENCE, contents)
    return altered(leaf, signer, extensions=ber.write(tags.context(3, constructed=True), whole))


SEVERAL = make(FREE, "Several", path_length=2)
CENTRES: list[Identity] = [
    authority().centre,
    FREE,
    STRICT,
    make(FREE, "C"),
    make(FREE, "C"),  # another centre of the same name
    make(STRICT, "Too deep"),
    make(ENDED, "Of an ended root"),
    make(FREE, "Young", not_before=NOW - DAY, not_after=NOW + 2 * DAY),
    make(FREE, "Bound", extensions=(name_constraints("example.uz"),)),
    make(FREE, "Of policies", extensions=(policy_constraints(),)),
    make(SEVERAL, "Below", path_length=1),
    make(make(SEVERAL, "Below", path_length=0), "Too deep too", path_length=0),
    make(FREE, "No centre", USER),
    make(FREE, "May not issue", key_usage=frozenset({"digitalSignature"}), is_ca=True),
    stranger().centre,
    make(FREE, "Of a key", extensions=(extension("2.5.29.14", core.OctetString(b"key").dump()),)),
]
CHANGES: list[dict[str, Any]] = [
    {},
    {"not_after": NOW + DAY},
    {"not_before": NOW - DAY, "not_after": NOW + 3 * DAY},
    {"key_usage": frozenset({"keyAgreement"})},
    {"key_usage": None, "extended_key_usage": None, "policies": None},
    {"policies": ("1.2.3", "2.5.29.32.0")},
    {"is_ca": True, "path_length": 0},
    {"extensions": (extension("1.2.3.4", b"x"),)},
    {"extensions": (extension("1.2.3.4", b"x", critical=True),)},
    {"extensions": (policy_constraints(),)},
    {"extensions": (policy_constraints(critical=False),), "policies": None},
    {"extensions": (name_constraints("example.uz"),), "is_ca": True},
    {"extensions": (extension("2.5.29.54", core.Integer(0).dump(), critical=True),)},
]
LEAVES = [
    make(centre, "L", USER, **changes)
    for centre in CENTRES
    for changes in (CHANGES if centre in CENTRES[:4] else CHANGES[:2])
]
TIMES = [NOW, NOW + DAY * 1.5, NOW + 4 * DAY, MADE - DAY, NOW + 4000 * DAY, NOW + 9000 * DAY]


class TheLongWay(ChainValidator):
    """A validator that leaves everything to the library."""

    def _short_way(self, vouched: Any, at: datetime) -> None:
        return None


def outcome(validator: ChainValidator, chain: list[bytes], at: datetime) -> object:
    try:
        peer = validator.verify_client(chain, at)
    except CertificateError as error:
        return type(error), str(error)
    return [link.der for link in peer.path], peer.valid_from, peer.valid_until


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_both_ways_agree(data: st.DataObject) -> None:
    leaf = data.draw(st.sampled_from(LEAVES))
    der = leaf.leaf.der
    kind = data.draw(st.sampled_from(["right"] * 6 + ["flipped", "anchor's key", "key identifier"]))
    if kind == "flipped":
        place = data.draw(st.integers(0, len(der) - 1))
        der = der[:place] + bytes([der[place] ^ 1 << place % 8]) + der[place + 1 :]
    elif kind == "anchor's key":
        info = x509.Certificate.load(FREE.leaf.der)["tbs_certificate"]["subject_public_key_info"]
        name = x509.Certificate.load(FREE.leaf.der).subject.dump()
        der = altered(leaf.leaf, FREE, subject_public_key_info=info.dump(), subject=name)
    elif kind == "key identifier":
        der = of_another_key(leaf.leaf, data.draw(st.sampled_from(CENTRES[:4])))
    others = [one.der for one in leaf.chain[1:]]
    if data.draw(st.booleans()):
        others += [data.draw(st.sampled_from(CENTRES)).leaf.der]
    if data.draw(st.integers(0, 5)) == 0:
        others = data.draw(st.permutations(others))
    chain, at = [der, *others], data.draw(st.sampled_from(TIMES))
    assert outcome(SHORT, chain, at) == outcome(LONG, chain, at)


SHORT, LONG = ChainValidator(ANCHORS, cache_size=64), TheLongWay(ANCHORS)


@pytest.mark.parametrize("centre", [authority().centre, FREE, CENTRES[3], CENTRES[10]])
def test_usual_users_go_the_short_way(centre: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    validator = ChainValidator(ANCHORS)
    chain = [one.der for one in make(centre, "L", USER).chain]
    validator.verify_client(chain, NOW)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the long way")

    monkeypatch.setattr(validator, "_long_way", never)
    second = [one.der for one in make(centre, "L", USER).chain]
    peer = validator.verify_client(second, NOW)
    assert [link.der for link in peer.path[:-1]] in (second, second[:-1])
    assert peer.path[-1] in ANCHORS


def test_the_only_issuer() -> None:
    leaf = Outline.read(make(CENTRES[3], "L", USER).leaf.der)
    right, twin, other = (Outline.read(CENTRES[index].leaf.der) for index in (3, 4, 0))
    assert only_issuer(leaf, [other, right]) == right
    assert only_issuer(leaf, [other]) is None
    assert only_issuer(leaf, [right, twin]) is None
    assert only_issuer(leaf, [twin]) == twin  # its signature is another question
    of_another = Outline.read(of_another_key(CENTRES[0].leaf, CENTRES[3]))
    of_a_key = Outline.read(CENTRES[-1].leaf.der)
    assert only_issuer(replace(of_another, issuer=of_a_key.subject), [of_a_key]) is None
    assert only_issuer(replace(of_another, issuer=twin.subject), [twin]) == twin


def test_a_plain_path() -> None:
    leaf = make(CENTRES[3], "L", USER).leaf
    path = [leaf, CENTRES[3].leaf, FREE.leaf]
    outline = Outline.read(leaf.der)
    assert is_plain(path, outline, NOW)
    assert not is_plain(path, outline, leaf.not_after + DAY)
    assert not is_plain(path, outline, leaf.not_before - DAY)
    for changes in CHANGES[6:7] + CHANGES[8:]:
        one: Certificate = make(CENTRES[3], "L", USER, **changes).leaf
        assert not is_plain([one, *path[1:]], Outline.read(one.der), NOW)
    short = replace(path[2], path_length=0)
    assert not is_plain([*path[:2], short], outline, NOW)
    assert is_plain([path[0], short], outline, NOW)
