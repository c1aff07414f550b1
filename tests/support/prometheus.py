"""Debian's Prometheus as a process of the test, scraping one gateway every second."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.processes import LOOPBACK, PROJECT, TIME_LIMIT, ReservedPort, wait_until

_CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: tunnel-gateway
    static_configs: [{{targets: ["{target}"]}}]
rule_files: ["{rules}"]
"""


class Prometheus:
    """It scrapes the gateway whose metrics are at ``port`` of the loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        reserved = ReservedPort()
        self._place = f"http://{LOOPBACK}:{reserved.number}"
        rules = PROJECT / "deploy" / "prometheus" / "alerts.yml"
        config = folder / "prometheus.yml"
        config.write_text(_CONFIG.format(target=f"{LOOPBACK}:{port}", rules=rules))
        self._log = (folder / "prometheus.log").open("w")
        self.process = subprocess.Popen(
            (
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={LOOPBACK}:{reserved.number}",
            ),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            wait_until(self._is_ready, "Prometheus is ready")
        finally:
            reserved.close()

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, Path(self._log.name).read_text()
        try:
            with urllib.request.urlopen(f"{self._place}/-/ready", timeout=5):  # noqa: S310
                return True
        except OSError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        place = f"{self._place}/api/v1/{path}?{query}"
        with urllib.request.urlopen(place, timeout=TIME_LIMIT) as response:  # noqa: S310
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]

    def value(self, query: str) -> float | None:
        """Return the one number that a query has now; None if it has none."""
        result = self.ask("query", query=query)["result"]
        assert len(result) <= 1, result
        return float(result[0]["value"][1]) if result else None

    def shows(self, query: str, number: float) -> None:
        """Wait until a query has this number."""
        last: list[float | None] = []

        def seen() -> bool:
            last[:] = [self.value(query)]
            return last == [number]

        try:
            wait_until(seen, f"{query} is {number}")
        except AssertionError:
            raise AssertionError(f"{query} is {last[0]}, not {number}") from None

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(TIME_LIMIT)
        self._log.close()
