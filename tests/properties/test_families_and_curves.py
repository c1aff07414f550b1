"""Every family of standards on every curve, mixed in one chain and between the two sides."""

from __future__ import annotations

import functools
import itertools
import os
from dataclasses import dataclass, replace

import pytest

from tests.support.pair import Pair, new_client, new_server
from tests.support.pki import MADE, NOW, PERSON
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.pki.authority import CENTRE, DOMAIN, ROOT, USER, Authority, Profile
from tunnel_gateway.pki.encoding.oids import FAMILIES, Family
from tunnel_gateway.pki.files.keyfiles import Identity, identity_to_pfx, read_identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.events import DataReceived


@dataclass(frozen=True)
class Kind:
    """Which standards name a key, and its curve."""

    family: Family
    curve: Curve

    def __str__(self) -> str:
        return f"{self.family.name.split('-')[2]}{self.curve.name[-1]}"

    def of(self, profile: Profile) -> Profile:
        return replace(profile, family=self.family, curve=self.curve)


KINDS = [Kind(family, curve) for family in FAMILIES for curve in CURVES]


@functools.cache
def authority(root: Kind, centre: Kind) -> Authority:
    return Authority.create(
        now=MADE, entropy=os.urandom, root=root.of(ROOT), centre=centre.of(CENTRE)
    )


def user(issuer: Authority, kind: Kind) -> Identity:
    return issuer.issue_user(PERSON, now=MADE, entropy=os.urandom, profile=kind.of(USER))


@functools.cache
def validator(root: Kind, centre: Kind) -> ChainValidator:
    return ChainValidator([authority(root, centre).root.leaf])


@pytest.mark.parametrize(
    ("root", "centre", "leaf"), list(itertools.product(KINDS, KINDS, KINDS)), ids=str
)
def test_a_chain_of_any_three(root: Kind, centre: Kind, leaf: Kind) -> None:
    identity = user(authority(root, centre), leaf)
    chain = [certificate.der for certificate in identity.chain]
    path = validator(root, centre).verify_client(chain, NOW).path
    found = [Kind(one.family, one.public_key.curve) for one in path]
    assert found == [leaf, centre, root]
    # The signature is named by the issuer's family, and not by the owner's.
    assert [one.signature_algorithm for one in path] == [
        kind.family.signature_name for kind in (centre, root, root)
    ]


@pytest.mark.parametrize(("client", "server"), list(itertools.product(KINDS, KINDS)), ids=str)
def test_a_tunnel_between_any_two(client: Kind, server: Kind) -> None:
    # Under an authority that is like neither of the two.
    root, centre, *_ = (kind for kind in KINDS if kind not in (client, server))
    issuer, trusting = authority(root, centre), validator(root, centre)
    domain = issuer.issue_domain(
        "example.uz", now=MADE, entropy=os.urandom, profile=server.of(DOMAIN)
    )
    pair = Pair(
        client=new_client(identity=user(issuer, client), trusting=trusting),
        server=new_server(identity=domain, trusting=trusting),
    ).open()
    for end, events in ((pair.client, pair.server_events), (pair.server, pair.client_events)):
        events.clear()
        end.send_data(b"salom")
        pair.pass_all()
        assert [event.data for event in events if isinstance(event, DataReceived)] == [b"salom"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_key_file_of_any_kind(kind: Kind) -> None:
    root = KINDS[-1 - KINDS.index(kind)]
    identity = user(authority(root, kind), kind)
    data = identity_to_pfx(identity, "men", b"p", os.urandom, rounds=1)
    assert read_identity(data, b"p").chain == identity.chain
