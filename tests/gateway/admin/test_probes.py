"""Probes of destinations, and what they say of domains."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.support.credentials import FIRST_DOMAIN, SECOND_DOMAIN, Credentials
from tests.support.house import House, house
from tests.support.loopback import LOOPBACK
from tunnel_gateway.config.destinations import Rule
from tunnel_gateway.config.tunnel import Config
from tunnel_gateway.config.values import Entry
from tunnel_gateway.errors import DestinationBusyError
from tunnel_gateway.gateway.admin.probes import Probes
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.resources import Resources


class Changing:
    """A service whose configuration a test changes."""

    def __init__(self, home: House) -> None:
        self.resources = home.resources

    def __call__(self) -> Resources:
        return self.resources

    def configure(self, config: Config) -> None:
        self.resources = replace(
            self.resources, material=replace(self.resources.material, config=config)
        )
        self.resources.destinations.configure(config.destinations)


async def test_up_and_down(credentials: Credentials, tmp_path: Path) -> None:
    async with house(credentials, tmp_path) as home:
        probes = Probes(Changing(home))
        assert probes.result("raw") is None
        assert sorted(probes.faults()) == [
            f"{SECOND_DOMAIN}: no destination answers: not tried yet",
            f"{FIRST_DOMAIN}: no destination answers: not tried yet",
        ]
        await probes.look()
        first = probes.result("raw")
        assert first is not None
        assert first.up
        assert not list(probes.faults())
        await probes.look()
        assert probes.result("raw") == first  # since the same moment
        (await home.destination()).close()
        (await home.destination()).close()
        port = home.application.getsockname()[1]
        home.application.close()
        await probes.look()
        second = probes.result("raw")
        assert second is not None
        assert not second.up
        assert "Connection refused" in second.fault
        assert second.since > first.since
        assert len(list(probes.faults())) == 2
        home.application = socket.create_server((LOOPBACK, port))
        await probes.look()
        third = probes.result("raw")
        assert third is not None
        assert third.up


async def test_a_domain_counts_its_own_destinations_only(
    credentials: Credentials, tmp_path: Path, closed_port: object
) -> None:
    async with house(credentials, tmp_path) as home:
        current = Changing(home)
        config = current.resources.config
        raw = config.destinations["raw"]
        rule = Rule("domain", frozenset({SECOND_DOMAIN}), Entry(tmp_path, 1, "k", SECOND_DOMAIN))
        other = replace(raw, id="other", domains=rule)
        current.configure(replace(config, destinations=MappingProxyType({"other": other})))
        probes = Probes(current)
        # Nobody may come by the first domain: that is as the rules want it, and no failure.
        assert [one.partition(":")[0] for one in probes.faults()] == [SECOND_DOMAIN]
        await probes.look()
        assert not list(probes.faults())
        current.configure(config)
        await probes.look()
        assert probes.result("other") is None


async def test_a_busy_destination_keeps_what_is_known(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(credentials, tmp_path) as home:
        probes = Probes(Changing(home))
        await probes.look()
        known = probes.result("raw")

        async def busy(*_: object) -> None:
            raise DestinationBusyError("full")

        monkeypatch.setattr(Destinations, "connect", busy)
        await probes.look()
        assert probes.result("raw") is known


async def test_a_fault_of_this_program_is_no_reason_to_know_nothing(
    credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(credentials, tmp_path) as home:
        probes = Probes(Changing(home))

        async def fail(*_: object) -> None:
            raise ValueError("nonsense")

        monkeypatch.setattr(Destinations, "connect", fail)
        await probes.look()
        found = probes.result("raw")
        assert found is not None
        assert not found.up
        assert "background_failed" in found.fault
        assert [one["loop"] for one in home.lines()] == ["probes"] * len(probes._results)
