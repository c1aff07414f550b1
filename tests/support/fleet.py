"""``deploy/fleet``: a real balancer in front of two real gateways."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.support.credentials import Credentials
from tests.support.log_lines import Record, first_record, read_records
from tests.support.processes import (
    LOOPBACK,
    PROJECT,
    Program,
    open_sockets,
    wait_until,
    write_config,
)

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
RELOAD = {"haproxy": signal.SIGUSR2, "nginx": signal.SIGHUP}


def find_or_skip(program: str) -> str:
    """Return the path of a program; without it the test is skipped, and says so."""
    found = shutil.which(program, path=SBIN)
    stream_module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    if found is None or (program == "nginx" and not stream_module.exists()):
        pytest.skip(f"NOT TESTED: the fleet behind {program}; run scripts/system-packages")
    return found


class Member:
    """One program of a fleet."""

    def __init__(self, told: Record) -> None:
        self.pid: int = told["pid"]
        host, _, port = told["address"].rpartition(":")
        self.address = (host, int(port))
        self._log = Path(told["log"])

    def records(self) -> list[Record]:
        """Return the log of a gateway."""
        complete, _, _ = self._log.read_text(encoding="utf-8").rpartition("\n")
        return read_records(complete)

    def events(self) -> list[str]:
        """Return the names of what a gateway has logged."""
        return [one["event"] for one in self.records()]

    def logged(self, event: str, **facts: object) -> Record:
        """Wait for a line of a gateway's log with these facts among its own."""
        record = wait_until(
            lambda: first_record(self.records(), event, facts),
            f"{event} with {facts} in {self._log}",
        )
        assert record is not None
        return record

    def kill(self) -> None:
        """End it as a broken machine does."""
        os.kill(self.pid, signal.SIGKILL)

    def sockets(self) -> int:
        """Return how many open sockets it has; none when it is gone."""
        with suppress(FileNotFoundError, PermissionError):
            return open_sockets(self.pid)
        return 0

    def children(self) -> set[str]:
        """Return the processes that it has started."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return set(path.read_text(encoding="ascii").split())


class Fleet(Program):
    """Two gateways with the given destinations, and the balancer ``kind`` in front of them."""

    def __init__(
        self,
        kind: str,
        credentials: Credentials,
        folder: Path,
        destinations: Mapping[str, int],
        settings: Mapping[str, object] = MappingProxyType({}),
        *,
        with_redis: bool = False,
    ) -> None:
        find_or_skip(kind)
        config = folder / "fleet.properties"
        write_config(config, credentials, 1, destinations, settings)
        logs = ["--config", str(config), "--folder", str(folder)]
        if with_redis:
            find_or_skip("redis-server")
            logs.append("--redis")
        super().__init__("the fleet", str(PROJECT / "deploy/fleet"), "--balancer", kind, *logs)
        self._kind = kind
        self.redis = Member(self.next_output()) if with_redis else None
        self.gateways = [Member(self.next_output()) for _ in range(2)]
        self.balancer = Member(self.next_output())
        assert self.balancer.address[0] == LOOPBACK

    def reload_balancer(self) -> None:
        """Let the balancer start anew, and wait until a new process of it has taken over."""
        before = self.balancer.children()
        os.kill(self.balancer.pid, RELOAD[self._kind])
        wait_until(lambda: self.balancer.children() - before, "a new worker of the balancer")

    def close(self) -> None:
        """End everything, and fail if a gateway wrote of an error of its own."""
        assert self.stop() == 0, self.last_words()
        for gateway in self.gateways:
            assert "internal_error" not in gateway.events()
