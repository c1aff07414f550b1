from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tunnel_gateway.config.rest_keys import REST_KEY_OF
from tunnel_gateway.config.values import networks
from tunnel_gateway.limits.sources import REMEMBERED
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.callers import BYTES_OF_A_CALL, CallerRules, Callers, doubtful_proxies
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate

BACKEND = (ip_network("127.0.0.0/8"), ip_network("::1"), ip_network("10.0.0.0/8"))
PROXIES = (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"))
RULES = CallerRules(BACKEND, PROXIES, Rate(1, 3))
STRANGER = "198.51.100.7"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def callers(rules: CallerRules = RULES) -> Callers:
    return Callers(rules, Clock())


def user(peer: str, path: str = "/frontend/challenge", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return callers().identify(peer, path, CIMultiDict(named)).user


def reason(calls: Callers, caller: Caller, path: str) -> Reason | None:
    try:
        calls.admit(caller, path)
    except Refusal as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("127.0.0.1", True),
        ("10.200.3.4", True),
        ("::1", True),
        ("::ffff:10.0.0.1", True),
        ("fe80::1%eth0", False),
        (STRANGER, False),
        ("unknown", False),
    ],
)
def test_the_backend_is_known_by_its_own_address(peer: str, allowed: bool) -> None:
    calls = callers()
    for headers in ({}, {"X-Real-IP": "127.0.0.1"}, {"X-Forwarded-For": "127.0.0.1, 10.0.0.1"}):
        caller = calls.identify(peer, "/backend/auth", CIMultiDict(headers))
        refused = None if allowed else Reason.NOT_FROM_HERE
        assert reason(calls, caller, "/backend/auth") is refused


def test_a_stranger_without_a_header_is_the_user() -> None:
    assert user(STRANGER) == STRANGER
    assert user("2001:db8::1%eth0") == "2001:db8::1"


def test_a_stranger_cannot_be_somebody_else() -> None:
    assert user(STRANGER, X_Real_IP="192.0.2.1", X_Forwarded_For="192.0.2.1") == STRANGER
    assert user("10.9.9.9", X_Real_IP="192.0.2.1") == "10.9.9.9"  # not a proxy that is believed


def test_a_proxy_tells_the_user() -> None:
    assert user("127.0.0.1", X_Real_IP="192.0.2.1") == "192.0.2.1"
    assert user("10.1.2.3", X_Forwarded_For="192.0.2.1") == "192.0.2.1"
    assert user("10.1.2.3", X_Forwarded_For="192.0.2.1:4711") == "192.0.2.1"
    assert user("10.1.2.3", X_Forwarded_For="[2001:db8::7]:80") == "2001:db8::7"
    assert user("10.1.2.3") == "10.1.2.3"


def test_what_the_user_wrote_into_the_list_does_not_count() -> None:
    forwarded = "203.0.113.1, 192.0.2.1, 10.1.0.9"
    assert user("127.0.0.1", X_Forwarded_For=forwarded) == "192.0.2.1"
    assert user("127.0.0.1", X_Forwarded_For="evil, 192.0.2.1") == "192.0.2.1"
    assert user("127.0.0.1", X_Forwarded_For="192.0.2.1", X_Real_IP="203.0.113.1") == "192.0.2.1"
    assert user("127.0.0.1", X_Forwarded_For="192.0.2.1, evil") == "127.0.0.1"
    assert user("127.0.0.1", X_Forwarded_For="10.1.0.8, 10.1.0.9") == "10.1.0.8"


def test_a_header_that_the_user_sent_does_not_hide_that_of_the_proxy() -> None:
    """HAProxy leaves the user's header as it is, and adds one of its own."""
    headers = CIMultiDict(
        [("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "192.0.2.1, 10.1.0.9")]
    )
    assert callers().identify("127.0.0.1", "/ping", headers).user == "192.0.2.1"


def test_a_long_list_does_not_hide_its_end() -> None:
    for made_up in ("203.0.113.1, " * 200, "x" * 1500 + ", "):
        told = user("127.0.0.1", X_Forwarded_For=made_up + "192.0.2.1", X_Real_IP="203.0.113.1")
        assert told == "192.0.2.1"
    # The cut goes through an address, and what is left of that is no address of anybody.
    proxies = ",".join(["10.1.0.9"] * 113)
    cut = user("127.0.0.1", X_Forwarded_For=f"{'x' * 90},210.10.1.0.10.10.1.1,{proxies}")
    assert cut == "10.1.0.9"


def test_the_application_tells_its_user() -> None:
    assert user("10.9.9.9", "/backend/auth", X_Real_IP="192.0.2.1") == "192.0.2.1"
    assert user(STRANGER, "/backend/auth", X_Real_IP="192.0.2.1") == STRANGER


@pytest.mark.parametrize(
    ("peer", "forwarded", "allowed"),
    [
        ("127.0.0.1", "192.0.2.1", False),
        ("127.0.0.1", "10.0.0.1, 192.0.2.1", False),  # the beginning can be made up
        ("127.0.0.1", "192.0.2.1, 127.0.0.1", False),
        ("127.0.0.1", "192.0.2.1, 10.2.0.1", True),  # the application, through the proxy
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", " , ", True),  # nothing is said
        ("127.0.0.1", "unknown", False),
        ("127.0.0.1", "192.0.2.1, unix:", False),  # nginx at a socket, behind another proxy
        ("127.0.0.1", "192.0.2.1, unix:, 127.0.0.1", False),
        ("10.9.9.9", "192.0.2.1", True),  # not a proxy: the application tells its user
    ],
)
def test_a_proxy_that_passes_the_backend_on_says_so(
    peer: str, forwarded: str, allowed: bool
) -> None:
    calls = callers()
    headers = CIMultiDict({"X-Forwarded-For": forwarded, "X-Real-IP": "192.0.2.1"})
    caller = calls.identify(peer, "/backend/auth", headers)
    found = reason(calls, caller, "/backend/auth")
    assert found is (None if allowed else Reason.NOT_FROM_HERE)
    if not allowed:
        with pytest.raises(Refusal, match="proxy must not pass /backend/ on"):
            calls.admit(caller, "/backend/auth")


@pytest.mark.parametrize("forwarded", ["unknown", "192.0.2.1, unix:"])
def test_whoever_a_proxy_cannot_name_has_a_rate(forwarded: str) -> None:
    calls = callers()
    caller = calls.identify("127.0.0.1", "/ping", CIMultiDict({"X-Forwarded-For": forwarded}))
    assert caller == Caller("127.0.0.1", "127.0.0.1", "", own=False)
    assert [reason(calls, caller, "/ping") for _ in range(4)][-1] is Reason.TOO_MANY_CALLS


def rules_of(backend: str, proxies: str) -> CallerRules:
    return CallerRules(networks(backend, Path()), networks(proxies, Path()), None)


BACKEND_DEFAULT = REST_KEY_OF["backend.from"].default
PROXIES_DEFAULT = REST_KEY_OF["frontend.proxies"].default


@pytest.mark.parametrize(
    ("backend", "proxies", "doubtful"),
    [
        (BACKEND_DEFAULT, PROXIES_DEFAULT, ""),  # nobody has said that there is a proxy
        (BACKEND_DEFAULT, "10.0.0.5", "10.0.0.5/32"),
        (BACKEND_DEFAULT, "127.0.0.1, 203.0.113.5", "127.0.0.1/32"),
        (BACKEND_DEFAULT, "203.0.113.5, 2001:db8::/32", ""),
        ("10.0.0.5", "10.0.0.5", ""),  # docs/operations.md, "Two servers"
        ("10.0.0.6", "10.0.0.5", ""),
    ],
)
def test_proxies_that_may_call_the_backend_by_the_default_alone(
    backend: str, proxies: str, doubtful: str
) -> None:
    assert doubtful_proxies(rules_of(backend, proxies)) == doubtful


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_no_header_is_too_odd(host: str, real: str, forwarded: str) -> None:
    headers = CIMultiDict({"Host": host, "X-Real-IP": real, "X-Forwarded-For": forwarded})
    caller = callers().identify("127.0.0.1", "/ping", headers)
    assert (caller.source, caller.host) == ("127.0.0.1", host)


def test_a_long_host_is_cut() -> None:
    headers = CIMultiDict({"Host": "a" * 5000})
    assert len(callers().identify("127.0.0.1", "/ping", headers).host) == 255


def test_a_stranger_has_a_rate() -> None:
    clock = Clock()
    calls = Callers(RULES, clock)
    caller = Caller(STRANGER, STRANGER)
    assert [reason(calls, caller, "/ping") for _ in range(4)] == [
        *[None] * 3,
        Reason.TOO_MANY_CALLS,
    ]
    assert reason(calls, Caller("203.0.113.9", "203.0.113.9"), "/ping") is None
    clock.now += 1
    assert reason(calls, caller, "/ping") is None


def test_users_behind_a_proxy_have_rates_of_their_own() -> None:
    calls = callers()
    busy, other = (Caller("127.0.0.1", f"192.0.2.{number}") for number in (1, 2))
    assert [reason(calls, busy, "/ping") for _ in range(4)][-1] is Reason.TOO_MANY_CALLS
    assert reason(calls, other, "/ping") is None


@pytest.mark.parametrize("path", ["/ping", "/frontend/challenge", "/backend/auth"])
def test_the_application_itself_has_no_rate(path: str) -> None:
    calls = callers()
    caller = calls.identify("10.9.9.9", path, CIMultiDict())
    assert {reason(calls, caller, path) for _ in range(100)} == {None}


@pytest.mark.parametrize(
    ("peer", "path", "told", "own"),
    [
        ("10.9.9.9", "/frontend/challenge", None, True),
        ("10.9.9.9", "/backend/auth", "192.0.2.1", True),
        ("10.9.9.9", "/frontend/challenge", "192.0.2.1", True),  # not a proxy: it is not believed
        ("127.0.0.1", "/frontend/challenge", None, True),
        ("127.0.0.1", "/frontend/challenge", "192.0.2.1", False),
        ("127.0.0.1", "/backend/auth", "192.0.2.1", True),
        (STRANGER, "/frontend/challenge", None, False),
        (STRANGER, "/backend/auth", "10.9.9.9", False),
    ],
)
def test_whether_the_application_itself_calls(
    peer: str, path: str, told: str | None, own: bool
) -> None:
    headers = CIMultiDict({"X-Real-IP": told} if told else {})
    assert callers().identify(peer, path, headers).own is own


def test_sign_ins_of_one_office_are_not_a_flood() -> None:
    calls = callers()
    headers = CIMultiDict({"X-Real-IP": "192.0.2.1"})
    caller = calls.identify("10.9.9.9", "/backend/auth", headers)
    assert caller.user == "192.0.2.1"
    assert {reason(calls, caller, "/backend/auth") for _ in range(100)} == {None}


def test_a_large_body_counts_as_several_calls() -> None:
    calls = callers()
    caller = Caller(STRANGER, STRANGER)
    assert reason(calls, caller, "/ping") is None
    calls.charge(caller, 100)
    assert reason(calls, caller, "/ping") is None
    calls.charge(caller, 2 * BYTES_OF_A_CALL)
    assert reason(calls, caller, "/ping") is Reason.TOO_MANY_CALLS
    calls.charge(Caller("10.9.9.9", "10.9.9.9"), 100 * BYTES_OF_A_CALL)


def test_there_may_be_no_rate() -> None:
    calls = callers(CallerRules(BACKEND, PROXIES, None))
    caller = Caller(STRANGER, STRANGER)
    assert {reason(calls, caller, "/ping") for _ in range(100)} == {None}
    calls.charge(caller, 100 * BYTES_OF_A_CALL)


def test_other_rules_count_at_once() -> None:
    calls = callers()
    assert calls.is_strange(STRANGER)
    caller = calls.identify(STRANGER, "/backend/auth", CIMultiDict())
    assert reason(calls, caller, "/backend/auth") is Reason.NOT_FROM_HERE
    calls.use(CallerRules((ip_network("198.51.100.0/24"),), (), None))
    assert not calls.is_strange(STRANGER)
    caller = calls.identify(STRANGER, "/backend/auth", CIMultiDict())
    assert reason(calls, caller, "/backend/auth") is None


def test_the_memory_of_sources_is_bounded() -> None:
    calls = callers()
    for number in range(REMEMBERED + 100):
        address = f"100.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        calls.admit(calls.identify(address, "/ping", CIMultiDict()), "/ping")
    assert len(calls._buckets) == REMEMBERED
    assert len(calls._peers) <= 4096
