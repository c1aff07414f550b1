"""Calls of methods without HTTP: what they answer, and why they refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.loopback import TIME_LIMIT
from tests.support.pki import NOW
from tests.support.stamps import token_of
from tests.support.verdicts import GOOD, validator
from tunnel_gateway.errors import TimeStampError
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.pki.status.standing import Standing
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.rest.answers import Base64
from tunnel_gateway.rest.call import Call, Caller, Method
from tunnel_gateway.rest.stamp_requests import StampRequests
from tunnel_gateway.rest.statuses import Refusal
from tunnel_gateway.rest.time_stamp_client import AuthorityNotSetError
from tunnel_gateway.rest.verification import Statuses, Verifier
from tunnel_gateway.rest.working import Threads

CALLER = Caller("192.0.2.1", user="192.0.2.7", host="example.uz")


class GivenStatuses:
    """Statuses without a network: good, except for the serial numbers in ``other``."""

    def __init__(self, other: dict[int, Standing] | None = None) -> None:
        self.other = other or {}
        self.asked = 0

    async def of(self, peer: VerifiedPeer) -> tuple[Standing, ...]:
        self.asked += 1
        return tuple(self.other.get(link.serial, GOOD) for link in peer.path[:-1])

    async def of_each(self, peers: Sequence[VerifiedPeer]) -> tuple[tuple[Standing, ...], ...]:
        return tuple([await self.of(peer) for peer in peers])

    async def of_serial(self, serial: int, issuer: VerifiedPeer) -> Standing:
        assert issuer.leaf.may_issue
        return self.other.get(serial, GOOD)


class GivenAuthority:
    """Stamps at NOW without a network, or fails with ``fault``."""

    def __init__(self, fault: TimeStampError | None = None) -> None:
        self.fault = fault
        self.asked = 0

    def expect_set(self) -> None:
        if isinstance(self.fault, AuthorityNotSetError):
            raise AuthorityNotSetError(*self.fault.args)

    async def stamp(self, imprint: bytes, family: Family) -> bytes:
        self.asked += 1
        if self.fault is not None:
            raise type(self.fault)(*self.fault.args)
        assert family.digest_oid
        return token_of(imprint)


def stamps(authority: GivenAuthority | None = None) -> StampRequests:
    """The requests for time stamps that ``authority`` answers."""
    return StampRequests(authority or GivenAuthority(), TIME_LIMIT)


def verifier(threads: Threads, statuses: Statuses | None = None, **changes: Any) -> Verifier:
    """One that trusts the tests' authority, at NOW."""
    return Verifier(threads, validator(), statuses or GivenStatuses(), lambda: NOW, **changes)


async def answer(method: Method, *parts: bytes, body: bytes = b"", **changes: Any) -> Any:
    """What a method answers, its Base64 decoded at the top level."""
    fields = await method.answer(Call(method.path, CALLER, parts, body, **changes))
    return {
        name: value.data if isinstance(value, Base64) else value for name, value in fields.items()
    }


async def refusal(method: Method, *parts: bytes, body: bytes = b"", **changes: Any) -> Refusal:
    """Why a method refuses."""
    with pytest.raises(Refusal) as caught:
        await method.answer(Call(method.path, CALLER, parts, body, **changes))
    return caught.value
