"""Addresses that are left alone: for how long, and how many."""

from __future__ import annotations

import asyncio

import pytest

from tunnel_gateway.daemon import resting as module
from tunnel_gateway.daemon.resting import AddressRestsError, RestingAddresses

URL = "http://centre.example.uz/list.crl"


async def test_an_address_rests_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_REST_SECONDS", 0.05)
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


async def test_each_failure_in_a_row_doubles_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_REST_SECONDS", 15)
    addresses = RestingAddresses()
    rests = []
    for _ in range(4):
        addresses.add(URL)
        rests.append(addresses._rests[URL][1])
    assert rests == [5, 10, 15, 15]
    addresses.discard(URL)
    addresses.refuse(URL)
    addresses.add(URL)
    assert addresses._rests[URL][1] == 5
    addresses.clear()
    addresses.refuse(URL)
