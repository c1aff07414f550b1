"""The rules of destinations: what is read, and every contradiction by file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.config.destinations import (
    PARTS,
    PREFIX,
    RULE_KINDS,
    Destination,
    is_known,
    read_destinations,
)
from tunnel_gateway.config.values import Address, Entry
from tunnel_gateway.errors import Fault

FILE = Path("/etc/gateway/config.properties")
ISSUER = "key:" + "5f" * 32
OTHER = "key:" + "a0" * 32
NO_LISTS = {"host", "port", "limit", "connect.limit", "proxy", "host.header", "stp"}


def read(*lines: str) -> tuple[dict[str, Destination], list[Fault]]:
    faults: list[Fault] = []
    given_ = ["0.host=api", "0.port=80"]
    given_ += [line if line[0].isdigit() else f"0.{line}" for line in lines]
    entries = [
        Entry(FILE, number, PREFIX + key, value)
        for number, (key, _, value) in enumerate((line.partition("=") for line in given_), 1)
    ]
    return read_destinations(entries, faults), faults


def rules(*lines: str) -> Destination:
    destinations, faults = read(*lines)
    assert not faults
    return destinations["0"]


def faults_of(*lines: str) -> list[str]:
    return [str(fault).removeprefix(f"{FILE}:") for fault in read(*lines)[1]]


def test_nothing_set_is_no_rule() -> None:
    assert rules() == Destination("0", (Address("api", 80),), None, (), ())


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("allow.inn=300000001", {"300000001"}),
        ("deny.inn=300000001 ,\t300000002, 300000001", {"300000001", "300000002"}),
        ("allow.pinfl=10000000000001", {"10000000000001"}),
        ("allow.uid=400000001", {"400000001"}),
        (f"allow.issuer={ISSUER.upper()}", {ISSUER}),
        ("allow.policy=1.2.860.3.2.2.1.2.1, 2.5.29.32.0", {"1.2.860.3.2.2.1.2.1", "2.5.29.32.0"}),
        (f"allow.serial=0048989D51@{ISSUER}", {f"48989d51@{ISSUER}"}),
        ("deny.serial=48989D51,00ff", {"48989d51", "ff"}),
        ("allow.domain=example.uz,xn--80ak6aa92e.uz", {"example.uz", "xn--80ak6aa92e.uz"}),
        ("deny.domain=a_b.uz", {"a_b.uz"}),
    ],
)
def test_a_list_is_read(line: str, values: set[str]) -> None:
    destination = rules(line)
    (rule,) = destination.allow + destination.deny
    key = line.partition("=")[0]
    assert rule.kind == key.partition(".")[2]
    assert rule.values == values
    assert rule.key == f"tunnel.destination.0.{key}"
    assert rule.entry.line == 3
    assert bool(destination.allow) is key.startswith("allow")


@pytest.mark.parametrize(("value", "proxy"), [("", None), ("no", None), ("v1", "v1"), ("V2", "v2")])
def test_the_proxy_protocol_of_a_destination(value: str, proxy: str | None) -> None:
    assert rules(f"proxy={value}").proxy == proxy


def test_another_proxy_protocol() -> None:
    assert faults_of("proxy=yes") == [
        "3: tunnel.destination.0.proxy: expected no or v1 or v2, got 'yes'"
    ]


@pytest.mark.parametrize(
    ("value", "host"),
    [("", None), ("api.uz", "api.uz"), ("api.uz:8443", "api.uz:8443"), ("[::1]:80", "[::1]:80")],
)
def test_the_host_that_a_destination_reads(value: str, host: str | None) -> None:
    assert rules(f"host.header={value}").host_header == host


@pytest.mark.parametrize("value", ["::1", "a b", "https://api.uz", "api.uz:0", "api.uz:", "a, b"])
def test_what_cannot_stand_in_a_host_header(value: str) -> None:
    (fault,) = faults_of(f"host.header={value}")
    assert fault.startswith("3: tunnel.destination.0.host.header: expected what stands in a Host")
    assert fault.endswith(f", got {value!r}")


def test_the_domains_of_a_destination() -> None:
    domains = rules("domains=example.uz, api.example.uz").domains
    assert domains is not None
    assert domains.kind == "domain"
    assert domains.values == {"example.uz", "api.example.uz"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("allow.inn", "30000000"),
        ("allow.inn", "3000000010"),
        ("allow.inn", "30000000a"),
        ("allow.inn", "٣٠٠٠٠٠٠٠١"),
        ("deny.pinfl", "1000000000001"),
        ("deny.pinfl", "100000000000010"),
        ("deny.uid", "4000000010"),
        ("allow.issuer", "CN=Centre"),
        ("deny.issuer", "5f" * 32),
        ("deny.issuer", "key:5f"),
        ("deny.policy", "1.2.860."),
        ("deny.policy", "1.2.0860"),
        ("deny.policy", "3.2.1"),
        ("deny.policy", "1.40.1"),
        ("deny.policy", "anyPolicy"),
        ("deny.serial", "0x48"),
        ("deny.serial", "0"),
        ("deny.serial", "f" * 41),
        ("deny.serial", "-1"),
        ("allow.serial", "48@key:5f"),
        ("domains", "Example.uz"),
        ("domains", "o‘z.uz"),
        ("domains", "https://example.uz"),
        ("allow.domain", "-a.uz"),
        ("allow.domain", "a..uz"),
    ],
)
def test_a_malformed_value(key: str, value: str) -> None:
    kind = key.rpartition(".")[2] if "." in key else "domain"
    (fault,) = read(f"{key}={value}")[1]
    assert fault == Fault(
        f"expected {RULE_KINDS[kind].form.expects}, got {value!r}", str(FILE), 3, f"{PREFIX}0.{key}"
    )


@pytest.mark.parametrize("part", [part for part in PARTS if part not in NO_LISTS])
@pytest.mark.parametrize("value", ["", ",", " , "])
def test_an_empty_list_is_not_everyone(part: str, value: str) -> None:
    assert all("got ''" in fault for fault in faults_of(f"{part}={value}"))
    assert faults_of(f"{part}={value}")


@pytest.mark.parametrize("kind", RULE_KINDS)
def test_the_same_value_allowed_and_denied(kind: str) -> None:
    value = {
        "inn": "300000001",
        "pinfl": "10000000000001",
        "uid": "400000001",
        "issuer": ISSUER,
        "policy": "1.2.3",
        "serial": f"48@{ISSUER}",
        "domain": "example.uz",
    }[kind]
    assert faults_of(f"deny.{kind}={value}", "1.host=a", "1.port=1", f"allow.{kind}={value}") == [
        f"3: {PREFIX}0.deny.{kind}: {value} is in {PREFIX}0.allow.{kind} too, in line 6"
    ]


def test_a_serial_denied_for_every_issuer_is_denied_for_one() -> None:
    assert faults_of(f"allow.serial=48@{ISSUER}", "deny.serial=48") == [
        f"4: {PREFIX}0.deny.serial: 48@{ISSUER} is in {PREFIX}0.allow.serial too, in line 3"
    ]
    assert not faults_of(f"allow.serial=48@{ISSUER}", f"deny.serial=48@{OTHER},49")


def test_a_serial_is_allowed_of_one_issuer_only() -> None:
    (fault,) = faults_of("allow.serial=48")
    assert fault.startswith(f"3: {PREFIX}0.allow.serial: 48 alone may be of several issuers")


@pytest.mark.parametrize("verb", ["allow", "deny"])
def test_a_domain_that_the_destination_does_not_have(verb: str) -> None:
    assert faults_of("domains=a.uz,b.uz", f"{verb}.domain=c.uz,a.uz") == [
        f"4: {PREFIX}0.{verb}.domain: c.uz is not in {PREFIX}0.domains, in line 3"
    ]


def test_no_domain_is_left() -> None:
    assert faults_of("deny.domain=a.uz,b.uz", "domains=b.uz,a.uz") == [
        f"3: {PREFIX}0.deny.domain: denies every domain of {PREFIX}0.domains: nobody could come"
    ]
    assert not faults_of("deny.domain=a.uz", "domains=b.uz,a.uz")


def test_rules_alone_are_no_destination() -> None:
    assert faults_of("1.allow.inn=300000001") == [
        f"3: {PREFIX}1.allow.inn: {PREFIX}1.{part} is missing beside it"
        for part in ("host", "port")
    ]


@pytest.mark.parametrize("key", ["0.allow", "0.allow.in", "0.deny.domains", "0.domain", "domains"])
def test_keys_that_are_none(key: str) -> None:
    assert not is_known(PREFIX + key)


@given(st.text(st.characters(codec="utf-8")), st.sampled_from(PARTS))
def test_any_list_gives_values_of_its_form_or_faults(text: str, part: str) -> None:
    destinations, faults = read(f"{part}={text}")
    if faults or part in NO_LISTS:
        return
    rule = (*destinations["0"].allow, *destinations["0"].deny, destinations["0"].domains)[0]
    assert rule is not None
    assert rule.values
    assert all(re.fullmatch(r"[a-z0-9.:@_-]+", value) for value in rule.values)


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ("a", ["a:80"]),
        ("a, b:81,10.0.0.1", ["a:80", "b:81", "10.0.0.1:80"]),
        ("::1, [::1]:81, 10.0.0.1:82", ["[::1]:80", "[::1]:81", "10.0.0.1:82"]),
    ],
)
def test_several_addresses(hosts: str, addresses: list[str]) -> None:
    destination = read(f"1.host={hosts}", "1.port=80")[0]["1"]
    assert [str(one) for one in destination.addresses] == addresses
    assert destination.location == ", ".join(addresses)


def test_addresses_that_all_have_ports_of_their_own() -> None:
    destinations, faults = read("1.host=a:1, b:2")
    assert not faults
    assert destinations["1"].addresses == (Address("a", 1), Address("b", 2))
    assert faults_of("1.host=a:1, b") == [f"3: {PREFIX}1.host: {PREFIX}1.port is missing beside it"]


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        ("a,,b", "expected a host name"),
        ("", "expected a host name"),
        ("a:0", "expected a host name"),
        ("a:65536", "expected a host name"),
        ("a:", "expected a host name"),
        (":80", "expected a host name"),
        ("[a]:80", "expected a host name"),
        ("[::1]", "expected a host name"),
        ("http://a", "expected a host name"),
        ("a:" + "9" * 5000, "expected a host name"),
        ("a, a:80", "a:80 is given twice"),
        (",".join(f"a{number}" for number in range(17)), "more than 16 addresses"),
    ],
)
def test_wrong_addresses(hosts: str, reason: str) -> None:
    (fault,) = faults_of(f"1.host={hosts}", "1.port=80")
    assert reason in fault


def test_limits_of_a_destination() -> None:
    assert (rules().tunnel_limit, rules().connect_limit) == (None, 128)
    limited = rules("limit=7", "connect.limit=3")
    assert (limited.tunnel_limit, limited.connect_limit) == (7, 3)
    assert (rules("limit=", "connect.limit=").connect_limit) == 128
    assert "expected a whole number from 1 to 1000000" in faults_of("limit=0")[0]
