"""Addresses that are left alone: for how long, and how many."""

from __future__ import annotations

import asyncio

import pytest

from tunnel_gateway.revocation import resting as module
from tunnel_gateway.revocation.resting import AddressRestsError, RestingAddresses

URL = "http://centre.example.uz/list.crl"


async def test_an_address_rests_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_SECONDS", 0.05)
    addresses = RestingAddresses()
    addresses.refuse(URL)
    addresses.add(URL)
    addresses.refuse(f"{URL}2")
    with pytest.raises(AddressRestsError, match="a moment ago"):
        addresses.refuse(URL)
    await asyncio.sleep(0.1)
    addresses.refuse(URL)


async def test_no_more_than_a_centre_has_are_remembered() -> None:
    addresses = RestingAddresses()
    for number in range(1025):
        addresses.add(f"{URL}{number}")
    addresses.refuse(f"{URL}0")
    with pytest.raises(AddressRestsError):
        addresses.refuse(f"{URL}1024")
