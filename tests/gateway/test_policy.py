"""The rules of destinations, against users whose chains were really verified."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import make
from tests.support.pki import NOW, OFFICER, authority, ders, domain, user
from tunnel_gateway.config.destinations import Destination, Rule
from tunnel_gateway.config.values import Address, Entry
from tunnel_gateway.errors import NotPermittedError
from tunnel_gateway.gateway.policy import check_permitted, describe, domain_faults, rule_values
from tunnel_gateway.pki.authority import CENTRE, POLICY_PREFIX, USER, Authority, Person
from tunnel_gateway.pki.trust.validation import ChainValidator, VerifiedPeer

FILE = Path("config.properties")
PREFIX = "tunnel.destination.api"


def rule(key: str, *values: str) -> Rule:
    kind = "domain" if key == "domains" else key.partition(".")[2]
    return Rule(kind, frozenset(values), Entry(FILE, 7, f"{PREFIX}.{key}", ",".join(values)))


def destination(*rules: Rule) -> Destination:
    return Destination(
        "api",
        (Address("10.0.0.5", 8080),),
        next((one for one in rules if one.key.endswith(".domains")), None),
        tuple(one for one in rules if ".allow." in one.key),
        tuple(one for one in rules if ".deny." in one.key),
    )


@functools.cache
def peers() -> dict[str, VerifiedPeer]:
    """A natural person, an officer, an unusual certificate, and one of another centre."""
    validator = ChainValidator([authority().root.leaf])
    second = Authority(authority().root, make(authority().root, "Boshqa markaz", CENTRE))
    bare = make(authority().centre, "Nomsiz", USER, policies=None)
    odd = user(person=Person("X Y", pinfl="1000000000000 1", uid="40000000", inn="30000000１"))
    identities = {
        "person": user(),
        "officer": user(person=OFFICER, policies=(f"{POLICY_PREFIX}.1", "2.5.29.32.0")),
        "bare": bare,
        "odd": odd,
        "elsewhere": user(second),
    }
    return {name: validator.verify_client(ders(one), NOW) for name, one in identities.items()}


def permitted(peer: str, *rules: Rule, by: str = "example.uz") -> bool:
    try:
        check_permitted(destination(*rules), peers()[peer], by)
    except NotPermittedError:
        return False
    return True


def issuer_of(peer: str) -> str:
    return peers()[peer].path[1].key_id


def serial_of(peer: str) -> str:
    return peers()[peer].leaf.serial_hex


def test_nothing_set_is_everyone() -> None:
    assert all(permitted(peer) for peer in peers())


@pytest.mark.parametrize(
    ("kind", "value", "who"),
    [
        ("inn", "300000001", {"officer"}),
        ("pinfl", "10000000000001", {"person", "elsewhere"}),
        ("uid", "400000002", {"officer"}),
        ("policy", f"{POLICY_PREFIX}.1", {"person", "officer", "odd", "elsewhere"}),
        ("domain", "example.uz", {"person", "officer", "bare", "odd", "elsewhere"}),
        ("domain", "boshqa.uz", set()),
        ("policy", "1.2.3", set()),
    ],
)
def test_what_an_allow_rule_lets_in(kind: str, value: str, who: set[str]) -> None:
    assert {peer for peer in peers() if permitted(peer, rule(f"allow.{kind}", value))} == who


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        ("inn", "300000001", {"person", "bare", "elsewhere"}),
        ("inn", "399999999", {"person", "officer", "bare", "elsewhere"}),
        ("pinfl", "10000000000001", {"officer"}),
        ("uid", "400000002", {"person", "elsewhere"}),
        ("policy", f"{POLICY_PREFIX}.1", {"bare"}),
        ("policy", "1.2.3", {"person", "bare", "odd", "elsewhere"}),
        ("domain", "example.uz", set()),
        ("domain", "boshqa.uz", {"person", "officer", "bare", "odd", "elsewhere"}),
    ],
)
def test_whom_a_deny_rule_leaves(kind: str, value: str, left: set[str]) -> None:
    """In doubt the user is refused: no PINFL, a number of another form, any policy."""
    assert {peer for peer in peers() if permitted(peer, rule(f"deny.{kind}", value))} == left


def test_the_issuer_is_that_of_the_path() -> None:
    assert issuer_of("person") != issuer_of("elsewhere")
    for verb, who in (("allow", {"elsewhere"}), ("deny", set(peers()) - {"elsewhere"})):
        rules = rule(f"{verb}.issuer", issuer_of("elsewhere"))
        assert {peer for peer in peers() if permitted(peer, rules)} == who


def test_a_namesake_of_an_issuer_is_another() -> None:
    """A centre under the same root, with the same name and another key."""
    namesake = Authority(authority().root, make(authority().root, "Boshqa markaz", CENTRE))
    validator = ChainValidator([authority().root.leaf])
    peer = validator.verify_client(ders(user(namesake)), NOW)
    assert peer.leaf.issuer == peers()["elsewhere"].leaf.issuer
    with pytest.raises(NotPermittedError):
        check_permitted(destination(rule("allow.issuer", issuer_of("elsewhere"))), peer, "a.uz")


def test_an_issuer_certified_again_is_the_same() -> None:
    again = make(authority().root, "Yangi nom", CENTRE)
    assert again.leaf.key_id != authority().centre.leaf.key_id
    assert authority().centre.leaf.key_id.startswith("key:")
    assert len(authority().centre.leaf.key_id) == 68


def test_a_serial_is_that_of_its_issuer() -> None:
    serial, own, other = serial_of("person"), issuer_of("person"), issuer_of("elsewhere")
    assert permitted("person", rule("allow.serial", f"{serial}@{own}"))
    assert not permitted("person", rule("allow.serial", f"{serial}@{other}"))
    assert not permitted("person", rule("deny.serial", f"{serial}@{own}"))
    assert permitted("person", rule("deny.serial", f"{serial}@{other}"))
    assert not permitted("person", rule("deny.serial", serial))
    assert permitted("officer", rule("deny.serial", serial))


def test_allow_rules_of_several_kinds_let_in_whom_any_of_them_names() -> None:
    rules = (rule("allow.inn", "300000001"), rule("allow.uid", "400000001"))
    assert {peer for peer in peers() if permitted(peer, *rules)} == {
        "officer",
        "person",
        "elsewhere",
    }


def test_the_domains_bind_whatever_is_allowed() -> None:
    rules = (rule("domains", "boshqa.uz"), rule("allow.uid", "400000001"))
    assert not permitted("person", *rules)
    assert permitted("person", *rules, by="boshqa.uz")
    assert not permitted("officer", *rules, by="boshqa.uz")
    assert not permitted("person", *rules, by="")


@pytest.mark.parametrize(
    ("peer", "rules", "key", "text"),
    [
        ("person", ["domains=b.uz"], "domains", "api.domains has no example.uz"),
        ("person", ["deny.uid=400000001"], "deny.uid", "api.deny.uid names the user"),
        (
            "bare",
            ["deny.pinfl=10000000000002"],
            "deny.pinfl",
            "might name the user: the certificate has no PINFL",
        ),
        (
            "odd",
            ["deny.inn=300000009"],
            "deny.inn",
            "might name the user: the INN of the certificate is not 9 digits",
        ),
        (
            "officer",
            ["deny.policy=1.2.3"],
            "deny.policy",
            "might name the user: the certificate is for any policy",
        ),
        ("person", ["allow.inn=300000001"], "allow.inn", "the user is not named by tunnel."),
    ],
)
def test_a_refusal_tells_the_rule(peer: str, rules: list[str], key: str, text: str) -> None:
    made = [rule(name, value) for name, _, value in (one.partition("=") for one in rules)]
    with pytest.raises(NotPermittedError) as caught:
        check_permitted(destination(*made), peers()[peer], "example.uz")
    assert caught.value.rule == f"{PREFIX}.{key}"
    assert text in str(caught.value)
    assert str(caught.value).startswith("destination api: ")
    # The text goes to logs: the numbers of a person do not.
    for number in (peers()[peer].leaf.pinfl, peers()[peer].leaf.uid):
        assert number is None or number not in str(caught.value)


def test_a_refusal_by_no_allow_rule_tells_all_of_them() -> None:
    rules = (rule("allow.inn", "300000001"), rule("allow.policy", "1.2.3"))
    with pytest.raises(NotPermittedError) as caught:
        check_permitted(destination(*rules), peers()["person"], "example.uz")
    assert caught.value.rule == f"{PREFIX}.allow.inn, {PREFIX}.allow.policy"


def test_what_a_certificate_is_to_rules() -> None:
    officer = user(person=OFFICER)
    leaf, centre = officer.chain
    assert rule_values(leaf, centre) == {
        "inn": {"300000001"},
        "pinfl": {"10000000000002"},
        "uid": {"400000002"},
        "issuer": {centre.key_id},
        "policy": {f"{POLICY_PREFIX}.1"},
        "serial": {leaf.serial_hex, f"{leaf.serial_hex}@{centre.key_id}"},
    }
    site = domain().leaf
    assert rule_values(site, None) == {
        "inn": set(),
        "pinfl": set(),
        "uid": set(),
        "issuer": set(),
        "policy": {f"{POLICY_PREFIX}.2"},
        "serial": {site.serial_hex},
    }


def test_domains_that_are_not_served() -> None:
    served = ["a.uz", "b.uz"]
    rules = [rule("domains", "a.uz", "x.uz"), rule("allow.domain", "y.uz"), rule("deny.inn", "z")]
    assert [str(fault) for fault in domain_faults([destination(*rules)], served)] == [
        f"{FILE}:7: {PREFIX}.{key}: {name} is not a domain of this gateway, which has a.uz, b.uz"
        for key, name in (("domains", "x.uz"), ("allow.domain", "y.uz"))
    ]
    assert not domain_faults([destination(), destination(rule("deny.domain", "a.uz"))], served)


def test_a_destination_without_a_domain() -> None:
    (fault,) = domain_faults([destination(rule("deny.domain", "a.uz", "b.uz"))], {"a.uz", "b.uz"})
    assert fault.message == "denies every domain of this gateway: nobody could come"


def test_in_words() -> None:
    assert describe(destination()) == "api at 10.0.0.5:8080 for every trusted user"
    rules = [
        rule("domains", "b.uz", "a.uz"),
        rule("allow.inn", *(f"30000000{last}" for last in range(5))),
        rule("allow.pinfl", "10000000000001"),
        rule("deny.uid", "400000001", "400000002"),
        rule("deny.policy", "1.2.3"),
    ]
    assert describe(destination(*rules)) == (
        "api at 10.0.0.5:8080 for users of INN 300000000, 300000001, 300000002 and 2 more or one"
        " PINFL, but none of 2 UIDs or policy 1.2.3, by domain a.uz, b.uz only"
    )


# --- properties --------------------------------------------------------------------------------

PEERS = st.sampled_from(["person", "officer", "bare", "odd", "elsewhere"])
DOMAINS = st.sampled_from(["example.uz", "boshqa.uz"])


@st.composite
def rules_of(draw: st.DrawFn, verb: str) -> list[Rule]:
    """Rules with values that the peers have, and values that nobody has."""
    unknown = {
        "inn": "399999999",
        "pinfl": "39999999999999",
        "uid": "499999999",
        "issuer": "key:" + "00" * 32,
        "policy": "1.2.3",
        "serial": "1@key:" + "00" * 32,
        "domain": "nowhere.uz",
    }
    found = []
    for kind in draw(st.sets(st.sampled_from(sorted(unknown)))):
        if kind == "domain":
            pool = {"example.uz", "boshqa.uz"}
        else:
            pool = {v for p in peers().values() for v in rule_values(p.leaf, p.path[1])[kind]}
        values = st.sampled_from(sorted({*pool, unknown[kind]}))
        found.append(rule(f"{verb}.{kind}", *draw(st.sets(values, min_size=1))))
    return found


@given(PEERS, DOMAINS, rules_of("allow"), rules_of("deny"))
def test_deny_wins(peer: str, by: str, allow: list[Rule], deny: list[Rule]) -> None:
    """Nothing that is allowed helps whom the deny rules alone refuse."""
    if not permitted(peer, *deny, by=by):
        assert not permitted(peer, *allow, *deny, by=by)


@given(PEERS, DOMAINS, rules_of("allow"), rules_of("deny"), rules_of("deny"))
def test_a_deny_rule_more_never_lets_in(
    peer: str, by: str, allow: list[Rule], deny: list[Rule], more: list[Rule]
) -> None:
    kinds = {one.kind for one in deny}
    added = [one for one in more if one.kind not in kinds]
    assert permitted(peer, *allow, *deny, by=by) >= permitted(peer, *allow, *deny, *added, by=by)


@given(PEERS, DOMAINS, rules_of("allow"), rules_of("allow"))
def test_the_first_allow_rules_only_shut_out_and_more_only_let_in(
    peer: str, by: str, allow: list[Rule], more: list[Rule]
) -> None:
    kinds = {one.kind for one in allow}
    both = [*allow, *(one for one in more if one.kind not in kinds)]
    if allow:
        assert permitted(peer, *both, by=by) >= permitted(peer, *allow, by=by)
    assert permitted(peer, by=by)


@given(PEERS, st.sampled_from(["inn", "pinfl", "uid", "issuer", "policy", "serial", "domain"]))
def test_what_nobody_has_lets_nobody_in(peer: str, kind: str) -> None:
    assert not permitted(peer, rule(f"allow.{kind}", "", "None", "none", "unknown"))
