"""The vendor's own example of a configuration, and the fixtures that write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.errors import ConfigError

# With the spaces at the ends that its guide has.
VENDOR = """\
tunnel.enabled=yes
tunnel.listen.ip=0.0.0.0  \nlisten.ip=127.0.0.1
tunnel.listen.port=8843\t
tunnel.servers.dir=tunnel/servers
tunnel.truststore.password=12346578
tunnel.truststore.file=tunnel/truststore.jks
tunnel.destination.0.host=192.168.1.11
tunnel.destination.0.port=8080
"""

Write = Callable[[str | bytes], Path]
Faults = Callable[[str], list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration beside the files that the vendor's example names."""
    (tmp_path / "tunnel/servers").mkdir(parents=True)
    (tmp_path / "tunnel/truststore.jks").touch()
    path = tmp_path / "config.properties"

    def write_config(text: str | bytes) -> Path:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write_config


@pytest.fixture
def faults(write: Write) -> Callable[[str], list[str]]:
    """The faults of the vendor's example with more lines, as ``line: key: message``."""

    def faults_of(text: str) -> list[str]:
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            load_configuration(path)
        assert all(fault.file == str(path) for fault in caught.value.faults)
        return [
            str(fault).removeprefix(str(path)).removeprefix(":").strip()
            for fault in caught.value.faults
        ]

    return faults_of
