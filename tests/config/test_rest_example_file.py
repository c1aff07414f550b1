"""config/rest.properties, the example of the REST service alone, against the guide and tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.credentials import Credentials
from tests.support.processes import PROJECT, ReservedPort
from tests.support.rest_daemon import GUIDE
from tunnel_gateway.cli.main import main
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS
from tunnel_gateway.config.rest_keys import REST_KEY_OF, REST_KEYS, replacement

TEXT = (PROJECT / "config/rest.properties").read_text(encoding="utf-8")
_LINE = re.compile(r"^#?([a-z][a-zA-Z0-9.]+)=(.*)$", re.MULTILINE)
SHOWN = dict(_LINE.findall(TEXT))


def test_it_has_every_key_of_the_guides_example() -> None:
    guide = dict(_LINE.findall(GUIDE))
    assert SHOWN.keys() >= guide.keys()
    assert SHOWN["tsp.jks.file.path"] == guide["tsp.jks.file.path"]
    ours = {key.name for key in DAEMON_KEYS}
    assert not {name for name in SHOWN if not (name in REST_KEY_OF or replacement(name))} - ours


def test_what_it_shows_of_the_vendors_keys_is_their_default() -> None:
    given = {key.name: key.default for key in REST_KEYS if key.vendor and key.default}
    own = {"cache.type", "cache.redis.password"}  # shown as a second server needs them
    for name in SHOWN.keys() & given.keys() - own:
        assert SHOWN[name] == given[name]


@pytest.mark.parametrize("every", [False, True], ids=["as it is", "with every key"])
def test_it_can_be_used(
    credentials: Credentials, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, every: bool
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/truststore.jks").write_bytes(credentials.truststore.read_bytes())
    path = tmp_path / "config.properties"
    text = re.sub(r"^#(?=[a-z][a-zA-Z0-9.]+=)", "", TEXT, flags=re.MULTILINE) if every else TEXT
    for folder in ("/run/tunnel-gateway", "/var/log/tunnel-gateway"):
        text = text.replace(folder, str(tmp_path))
    path.write_text(text, encoding="utf-8")
    loaded = load_configuration(path)
    assert loaded.rest is not None
    assert not loaded.tunnel.enabled
    assert bool(loaded.rest.not_used) is every
    if not every:
        port = ReservedPort()
        path.write_text(text.replace("=8080", f"={port.number}"), encoding="utf-8")
        assert main(["check", "--config", str(path)]) in (0, 3)
        assert "tsp.url" in capsys.readouterr().out
        port.close()
