"""Callers: their addresses behind proxies, their right to `/backend`, and the rates of strangers.

Only the address at the other end of the connection gives the right to `/backend`. No header gives
it. But a proxy on the machine of the application may pass on what strangers send. If such a proxy
says that a stranger called it, the application did not make the call. Behind a proxy that is
believed, the address that it has told is the source for the bounds on strangers and for the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from tunnel_gateway.config.rest_keys import REST_KEY_OF
from tunnel_gateway.config.values import Network, networks
from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.source_buckets import SourceBuckets
from tunnel_gateway.rest.statuses import Reason, Refusal
from tunnel_gateway.transport.wire.rates import Rate

BACKEND: Final = "/backend/"
UPLOAD: Final = "/frontend/mobile/upload"
Headers = CIMultiDict[str] | CIMultiDictProxy[str]

# Of a longer list of addresses only the end counts, and of a longer name of a host the beginning.
_MAX_HEADER: Final = 1024
_MAX_HOST: Final = 255
# Peers whose networks are known by now. Beyond it they are looked up again.
_MAX_KNOWN: Final = 4096
# So many bytes of a body cost as much as a call.
BYTES_OF_A_CALL: Final = 256 * 1024

_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]+)\](:\d+)?|(?P<v4>[\d.]+):\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class CallerRules:
    """The networks of the application and of its proxies.

    ``rate`` is the rate of each source of strangers; None means that there is no limit. If there is
    an ``upload_from``, only these networks and the application may upload, at any rate.
    """

    backend_from: tuple[Network, ...]
    proxies: tuple[Network, ...]
    rate: Rate | None
    upload_from: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class _Peer:
    address: str
    backend: bool
    proxy: bool


class Callers:
    """Tells callers from each other. ``clock`` is in seconds."""

    def __init__(self, rules: CallerRules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._peers: dict[str, _Peer] = {}
        self._buckets = SourceBuckets(clock)

    def use(self, rules: CallerRules) -> None:
        """Use other rules from now on."""
        self._rules = rules
        self._peers.clear()

    def identify(self, peer: str, path: str, headers: Headers) -> Caller:
        """Return who calls from the address ``peer``."""
        known = self._peer(peer)
        host = headers.get("Host", "")[:_MAX_HOST]
        user, own = known.address, known.backend
        for_backend = path.startswith(BACKEND)
        if known.proxy or (own and for_backend):
            forwarded, by_application = self._forwarded(headers)
            user = forwarded or _real(headers) or user
            own = own and (by_application or not known.proxy)
            if not for_backend:
                own = own and user == known.address
        return Caller(known.address, user, host, own)

    def admit(self, caller: Caller, path: str) -> None:
        """Let a call pass, or raise Refusal."""
        if caller.own:
            return
        if path.startswith(BACKEND):
            raise Refusal(Reason.NOT_FROM_HERE, self._why_not_from_here(caller))
        if self._rules.upload_from and path.rstrip("/") == UPLOAD:
            self._expect_uploader(caller.user)
            return
        rate = self._rules.rate
        if rate and not self._buckets.take(caller.user, rate):
            raise Refusal(
                Reason.TOO_MANY_CALLS,
                f"more than {rate.per_second:g} calls a second come from {caller.user}, see"
                " frontend.rate",
            )

    def _expect_uploader(self, user: str) -> None:
        address = plain_address(user)
        if address is None or not _is_in(address, self._rules.upload_from):
            raise Refusal(Reason.NOT_FROM_HERE, f"{user} is not in mobile.upload.from")

    def _why_not_from_here(self, caller: Caller) -> str:
        if self._peer(caller.source).backend:
            return (
                f"X-Forwarded-For of the proxy {caller.source} does not say that an address in"
                f" backend.from calls, but perhaps {caller.user}: a proxy must not pass {BACKEND}"
                " on, and an application tells its user in X-Real-IP"
            )
        return (
            f"{caller.source} is not in backend.from: only the application may call {BACKEND}, and"
            " users call /frontend/"
        )

    def is_strange(self, peer: str) -> bool:
        """Tell whether an address belongs neither to the application nor to a proxy."""
        known = self._peer(peer)
        return not (known.backend or known.proxy)

    def charge(self, caller: Caller, size: int) -> None:
        """Let a body of ``size`` bytes count as several calls."""
        rate = self._rules.rate
        if rate and size > BYTES_OF_A_CALL:
            self._buckets.charge(caller.user, rate, size / BYTES_OF_A_CALL - 1)

    def _peer(self, text: str) -> _Peer:
        peer = self._peers.get(text)
        if peer is None:
            if len(self._peers) >= _MAX_KNOWN:
                self._peers.clear()
            peer = self._peers[text] = self._look_up(text)
        return peer

    def _look_up(self, text: str) -> _Peer:
        address = plain_address(text)
        if address is None:
            return _Peer(text, backend=False, proxy=False)
        return _Peer(
            address,
            backend=_is_in(address, self._rules.backend_from),
            proxy=_is_in(address, self._rules.proxies),
        )

    def _forwarded(self, headers: Headers) -> tuple[str | None, bool]:
        """Return the address at which a proxy says that it was called, None if it says nothing.

        Also tell whether that may be the application: nothing is said, or its address.

        Each proxy adds the address from which it was called at the end of X-Forwarded-For. So the
        last one that does not belong to a proxy belongs to the user. All before it can be made up.
        """
        # Some proxies add a header of their own behind the one that the user has sent.
        forwarded = ",".join(headers.getall("X-Forwarded-For", ()))
        told = None
        for part in reversed(_last(forwarded).split(",")):
            if not part.strip():
                continue
            address = plain_address(part.strip())
            if address is None:  # "unknown", or "unix:" for a socket: anybody may be behind it
                return told, False
            told = address
            if not _is_in(address, self._rules.proxies):
                break
        return told, told is None or _is_in(told, self._rules.backend_from)


def doubtful_proxies(rules: CallerRules) -> str:
    """Return the proxies of the file that may call `/backend` by the default alone, with commas.

    Such a proxy may pass on what strangers send to `/backend`, and nobody has said that it may not.
    """
    if rules.backend_from != _default("backend.from") or rules.proxies == _default(
        "frontend.proxies"
    ):
        return ""
    return ", ".join(
        str(proxy)
        for proxy in rules.proxies
        if any(
            proxy.version == network.version and proxy.overlaps(network)
            for network in rules.backend_from
        )
    )


def _default(key: str) -> tuple[Network, ...]:
    return networks(REST_KEY_OF[key].default, Path())


def _real(headers: Headers) -> str | None:
    """Return the address of X-Real-IP, None without it."""
    real = headers.get("X-Real-IP")
    return plain_address(real.strip()[:_MAX_HOST]) if real else None


def _last(forwarded: str) -> str:
    """Return the whole addresses at the end of a list that a user may have made long."""
    if len(forwarded) <= _MAX_HEADER:
        return forwarded
    return forwarded[-_MAX_HEADER:].partition(",")[2]


def plain_address(text: str) -> str | None:
    """Return an address without zone, port or brackets, an IPv4 address in its own form."""
    if (match := _WITH_PORT.fullmatch(text)) is not None:
        text = match["v6"] or match["v4"]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    parsed = ip_address(address)
    return any(parsed in network for network in networks)
