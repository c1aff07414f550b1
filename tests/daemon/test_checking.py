"""Checks of two services: shared ones once, and those of each service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.processes import ReservedPort, write_config
from tests.support.second_service import SecondFiles, write_second
from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.daemon.checking import Guarded, ServiceChecks, check
from tunnel_gateway.daemon.findings import Finding


class Checks:
    """Two services, and a configuration file with a password for one of them."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self.file = folder / "config.properties"
        self.trust = folder / "trust.pem"
        self.trust.touch(0o666)
        self.trust.chmod(0o666)
        self.file.touch(0o644)
        write_config(self.file, credentials, 1, {"raw": 1})
        write_second(self.file, 1)

    async def _findings(self, configuration: Configuration) -> AsyncIterator[Finding]:
        yield Finding("own", configuration.file.name, "ok", "fine")

    def _guarded(self, configuration: Configuration) -> Guarded:
        return Guarded(True, configuration.file, (self.trust,), ())

    def services(self, _: Configuration) -> Sequence[ServiceChecks]:
        return [ServiceChecks(SecondFiles(), self._findings, self._guarded)] * 2

    async def run(self) -> list[Finding]:
        return [finding async for finding in check(self.file, self.services)]


@pytest.fixture
def checks(credentials: Credentials, tmp_path: Path) -> Checks:
    return Checks(tmp_path, credentials)


async def test_what_is_shared_is_checked_once(checks: Checks) -> None:
    reserved = ReservedPort()
    write_second(checks.file, 1, reserved.number)
    found = await checks.run()
    reserved.close()
    areas = [finding.area for finding in found if finding.area != "permissions"]
    assert areas == ["configuration", "cryptography", "listen", "listen", "own", "own", "limits"]
    where = f"127.0.0.1, port {reserved.number}"
    assert found[0].text == f"no fault; listens on {where} and on {where}"
    assert "second.limit=10 and second.limit=10 need 120" in found[6].text
    others = [finding for finding in found if finding.text.startswith("others may change it")]
    assert [finding.subject for finding in others] == [str(checks.trust)]
    passwords = [finding for finding in found if "may hold a password" in finding.text]
    assert [finding.subject for finding in passwords] == [str(checks.file)]


async def test_nothing_more_is_checked_of_a_file_with_faults(checks: Checks) -> None:
    checks.file.write_text("tunnel.enabled=perhaps\n")
    *_, found = await checks.run()
    assert (found.area, found.status) == ("configuration", "fault")
    assert found.subject == f"{checks.file}:1"
    assert found.text == "tunnel.enabled: expected yes or no, got 'perhaps'"


async def test_nothing_runs(checks: Checks) -> None:
    checks.file.write_text("tunnel.enabled=no\n")
    (found,) = [one async for one in check(checks.file, lambda _: [])]
    assert (found.status, found.text) == (
        "warning",
        "tunnel.enabled=no, and no listen.port: nothing runs",
    )
