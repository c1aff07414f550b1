"""What `pki show` says of certificates, the values of rules among it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.pki import NOW, OFFICER, authority, domain, stranger, user
from tunnel_gateway.cli.facts import facts, plain, text
from tunnel_gateway.config.destinations import PREFIX, read_destinations
from tunnel_gateway.config.values import Entry
from tunnel_gateway.errors import Fault
from tunnel_gateway.pki.authority import POLICY_PREFIX, Authority
from tunnel_gateway.pki.services import Services


def test_the_rules_of_a_user() -> None:
    identity = user(person=OFFICER, policies=("1.2.3", f"{POLICY_PREFIX}.1"))
    leaf, centre = identity.chain
    shown, centre_shown = facts(identity.chain)
    assert plain(shown)["rules"] == {
        "inn": "300000001",
        "pinfl": "10000000000002",
        "uid": "400000002",
        "issuer": centre.key_id,
        "policy": f"1.2.3,{POLICY_PREFIX}.1",
        "serial": f"{leaf.serial_hex}@{centre.key_id}",
    }
    assert plain(centre_shown)["rules"] == {"issuer": centre.key_id}
    assert f"\nrule serial   {leaf.serial_hex}@{centre.key_id}" in text(shown)
    assert text(centre_shown).endswith(f"\nrule issuer   {centre.key_id}")


def test_without_its_issuer_a_certificate_has_only_its_serial() -> None:
    leaf = domain().leaf
    namesake = stranger().centre.leaf
    for certificates in ([leaf], [leaf, namesake], [namesake, leaf]):
        shown = next(one for one in facts(certificates) if one.certificate is leaf)
        assert shown.issuer is None
        assert shown.rules == {"policy": f"{POLICY_PREFIX}.2", "serial": leaf.serial_hex}
    right = facts([namesake, leaf, authority().centre.leaf])[1]
    assert right.issuer is authority().centre.leaf


def test_every_value_shown_is_one_that_the_configuration_takes() -> None:
    """What is copied from the output is read without a fault, and means the same."""
    shown = facts(user(person=OFFICER).chain)[0].rules
    rules = {f"allow.{kind}": value for kind, value in shown.items()}
    given = {"host": "api", "port": "80", **rules}
    faults: list[Fault] = []
    entries = [Entry(Path("c"), 1, f"{PREFIX}0.{key}", value) for key, value in given.items()]
    (destination,) = read_destinations(entries, faults).values()
    assert not faults
    assert {rule.kind: ",".join(sorted(rule.values)) for rule in destination.allow} == shown


def test_the_addresses_that_tell_the_status_are_shown() -> None:
    """An operator opens the firewall for them."""
    base = "http://127.0.0.1:8085"
    made = Authority.create(now=NOW, entropy=os.urandom, services=Services.at(base))
    leaf = made.issue_user(OFFICER, now=NOW, entropy=os.urandom).leaf
    (shown,) = facts([leaf])
    assert f"\nocsp          {base}/ocsp\ncrl           {base}/crl/centre.crl\n" in text(shown)
    assert plain(shown)["ocsp"] == [f"{base}/ocsp"]
    assert "\nocsp" not in text(facts([domain().leaf])[0])
