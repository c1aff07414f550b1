"""The configuration of the demonstration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import ConfigError
from tunnel_gateway.pki.services import DEFAULT

CONFIG_FOLDER = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("key", ["Tunnel.limit", "\u00a0tunnel.limit", "tunnel\u200b.limit"])
def test_a_key_that_only_looks_like_ours(key: str, tmp_path: Path) -> None:
    (tmp_path / "config.properties").write_text(f"tunnel.enabled=no\n{key}=1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"did you mean tunnel\.limit\?"):
        load_configuration(tmp_path / "config.properties")


def test_the_demonstrations_file(tmp_path: Path) -> None:
    (tmp_path / "certs/dev/servers").mkdir(parents=True)
    (tmp_path / "certs/dev/truststore.pem").touch()
    path = tmp_path / "config/demo.properties"
    path.parent.mkdir()
    path.write_bytes((CONFIG_FOLDER / "demo.properties").read_bytes())
    whole = load_configuration(path)
    tunnel, rest = whole.tunnel, whole.rest
    assert (tunnel.listen.ip, tunnel.listen.port) == ("127.0.0.1", 8843)
    assert tunnel.destinations == {"0": Destination("0", (Address("127.0.0.1", 8080),))}
    assert rest is not None
    assert (rest.listen.ip, rest.listen.port) == ("127.0.0.1", 8082)
    assert rest.stamps.url == DEFAULT.tsa
