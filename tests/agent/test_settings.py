"""The agent's settings and run.conf: every key, every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import PROJECT
from tunnel_gateway.agent.settings import GATEWAY_PREFIX, KEYS, AgentSettings, load_settings
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import ConfigError

MODES = frozenset({"cfb", "gofb", "gcfb"})
HEX = "6578616d706c652e757a"


def load(folder: Path, text: str = "", run_conf: str | None = None) -> AgentSettings:
    path = folder / "agent.properties"
    path.write_text(text, encoding="utf-8")
    other = None
    if run_conf is not None:
        other = folder / "run.conf"
        other.write_text(run_conf, encoding="utf-8")
    return load_settings(path, other)


def faults(folder: Path, text: str = "", run_conf: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, run_conf)
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_without_files_everything_has_its_default() -> None:
    settings = load_settings(None, None)
    assert settings == AgentSettings(
        None, None, (), False, None, MODES, (), 1800.0, {}, frozenset()
    )


def test_every_key(tmp_path: Path) -> None:
    for name in ("roots.pem", "a.pem", "b.pem"):
        (tmp_path / name).touch()
    (tmp_path / "keys").mkdir()
    settings = load(
        tmp_path,
        "agent.tunnel.Example.UZ = 1.2.3.4:8843\n"
        "agent.tunnel.Boshqa.uz=stp://[::1]:1\n"
        "agent.tunnel.uchinchi.uz=gw.example.uz:65535\n"
        "agent.truststore.file=roots.pem\n"
        "agent.truststore.password=p\n"
        "agent.apikey.issuers=a.pem , b.pem\n"
        "agent.keys.dirs=keys\n"
        "agent.key.timeout=60.5\n"
        "agent.http.pages=yes\n"
        "agent.stp.modes=CFB,sic\n",
    )
    assert settings.stp_domains == {"boshqa.uz"}
    assert settings.stp_modes == {"cfb", "sic"}
    assert settings.http_pages is True
    assert settings.gateways == {
        "example.uz": Address("1.2.3.4", 8843),
        "boshqa.uz": Address("::1", 1),
        "uchinchi.uz": Address("gw.example.uz", 65535),
    }
    assert settings.truststore_file == tmp_path / "roots.pem"
    assert settings.truststore_password == b"p"
    assert settings.apikey_issuers == (tmp_path / "a.pem", tmp_path / "b.pem")
    assert settings.keys_dirs == (tmp_path / "keys",)
    assert settings.key_timeout == 60.5
    assert "b'p'" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("\nagent.tunnel.a.uz=1.2.3.4\n", "agent.properties:2: agent.tunnel.a.uz: expected an"),
        ("agent.tunnel.a.uz=:1", "agent.properties:1: agent.tunnel.a.uz: expected an address"),
        ("agent.tunnel.a.uz=h:0", "agent.properties:1: agent.tunnel.a.uz: expected an address"),
        ("agent.tunnel.a.uz=h:65536", "agent.properties:1: agent.tunnel.a.uz: expected an"),
        ("agent.tunnel.a.uz=::1:1", "agent.properties:1: agent.tunnel.a.uz: expected an address"),
        ("agent.tunnel.a.uz=ws://h:1", "agent.properties:1: agent.tunnel.a.uz: expected an"),
        ("agent.tunnel.1.2.3.4=h:1", "agent.properties:1: agent.tunnel.1.2.3.4: not a domain"),
        ("agent.tunnel.=h:1", "agent.properties:1: agent.tunnel.: not a domain name"),
        (
            "agent.tunnel.a.uz=h:1\nagent.tunnel.A.uz=h:1",
            "agent.properties:2: agent.tunnel.A.uz: a second address for a.uz",
        ),
        (
            "agent.key.timeout=1\nagent.key.timeout=2",
            "agent.properties:2: agent.key.timeout: given twice, first in line 1",
        ),
        (
            "agent.keys.dir=x",
            "agent.properties:1: agent.keys.dir: unknown key; did you mean agent.keys.dirs?",
        ),
        ("tunnel.limit=1", "agent.properties:1: tunnel.limit: unknown key"),
        ("agent.key.timeout=0", "agent.properties:1: agent.key.timeout: expected a number"),
        ("agent.truststore.file=yoq", "agent.properties:1: agent.truststore.file: '"),
        ("agent.tunnel.a.uz=STP://h:1", "agent.properties:1: agent.tunnel.a.uz: expected an"),
        ("agent.tunnel.a.uz=stp://h", "agent.properties:1: agent.tunnel.a.uz: expected an"),
        (
            "agent.tunnel.a.uz=stp://h:1\nagent.tunnel.A.uz=h:1",
            "agent.properties:2: agent.tunnel.A.uz: a second address for a.uz",
        ),
        ("agent.stp.modes=ctr", "agent.properties:1: agent.stp.modes: expected words with"),
        ("agent.apikey.issuers=,", "agent.properties:1: agent.apikey.issuers: expected paths"),
        ("agent.keys.dirs=yoq", "agent.properties:1: agent.keys.dirs: '"),
    ],
)
def test_faults_name_line_and_key(tmp_path: Path, text: str, fault: str) -> None:
    (message,) = faults(tmp_path, text)
    assert message.startswith(fault)


def test_the_guides_run_conf(tmp_path: Path) -> None:
    text = f"arguments=-tunnel.{HEX}=1.2.3.4:8843\n"
    assert load(tmp_path, "", text).gateways == {"example.uz": Address("1.2.3.4", 8843)}


def test_what_else_is_in_run_conf_is_left_alone(tmp_path: Path) -> None:
    text = (
        "# arguments=-tunnel.zz=x\n"
        " # Arguments=--tunnel.zz=x\n"
        "java=C:\\users\\x -Dx.tunnel.zz=1\n"
        "-Dtunnel.conf=1 tunnels\n"
        f" arguments = -Dx=C:\\user  -tunnel.{HEX.upper()}=[::1]:8843\t-lang=uz"
        " -tunnel.626f736871612e757a=h:1\n"
    )
    assert load(tmp_path, "", text).gateways == {
        "example.uz": Address("::1", 8843),
        "boshqa.uz": Address("h", 1),
    }


@pytest.mark.parametrize(
    "text",
    [
        f'arguments="-tunnel.{HEX}=h:1"',
        f"arguments='-tunnel.{HEX}=h:1'",
        f'arguments=-Dx="a b" "-tunnel.{HEX}=h:1"',
        f'arguments=-tunnel.{HEX}="h:1"',
        f"arguments=“-tunnel.{HEX}=h:1”",
        f"\ufeffarguments=-tunnel.{HEX}=h:1\r\n",
    ],
)
def test_quotes_in_run_conf(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, "", text).gateways == {"example.uz": Address("h", 1)}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"arguments=--tunnel.{HEX}=h:1", "run.conf:1: --tunnel."),
        (f'arguments="--tunnel.{HEX}=h:1"', "run.conf:1: --tunnel."),
        (f"arguments=–tunnel.{HEX}=h:1", "run.conf:1: –tunnel."),
        (f"arguments=tunnel.{HEX}=h:1", "run.conf:1: tunnel."),
        (f"arguments=-Tunnel.{HEX}=h:1", "run.conf:1: -Tunnel."),
        (f"\nArguments=-tunnel.{HEX}=h:1", "run.conf:2: -tunnel."),
        (f"ARGUMENTS='-tunnel.{HEX}=h:1'", "run.conf:1: -tunnel."),
        (f"argument=-tunnel.{HEX}=h:1", "run.conf:1: -tunnel."),
        (f"arguments: -tunnel.{HEX}=h:1", "run.conf:1: -tunnel."),
        (f"-tunnel.{HEX}=h:1", "run.conf:1: -tunnel."),
        (f"java=x -tunnel.{HEX}=h:1", "run.conf:1: -tunnel."),
    ],
)
def test_what_is_meant_for_us_is_not_passed_over(tmp_path: Path, text: str, fault: str) -> None:
    (message,) = faults(tmp_path, "", text)
    assert message.startswith(fault)
    assert "expected " in message
    assert "-tunnel.HEX=IP:PORT" in message


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("\narguments=-tunnel.xyz=h:1", "run.conf:2: -tunnel.xyz: expected the name of a domain"),
        ("arguments=-tunnel.ff=h:1", "run.conf:1: -tunnel.ff: expected the name of a domain"),
        ("arguments=-tunnel.2e2e=h:1", "run.conf:1: -tunnel.2e2e: not a domain name: '..'"),
        (f"arguments=-tunnel.{HEX}=h", f"run.conf:1: -tunnel.{HEX}: expected an address"),
        (f"arguments=-tunnel.{HEX}=stp://h:1", f"run.conf:1: -tunnel.{HEX}: expected an address"),
        (
            f"arguments=-tunnel.{HEX}=h:1 -tunnel.{HEX}=h:2",
            f"run.conf:1: -tunnel.{HEX}: a second address for example.uz",
        ),
    ],
)
def test_faults_of_run_conf(tmp_path: Path, text: str, fault: str) -> None:
    (message,) = faults(tmp_path, "", text)
    assert message.startswith(fault)


def test_the_agents_own_settings_count(tmp_path: Path) -> None:
    settings = load(
        tmp_path, "agent.tunnel.example.uz=own:1\n", f"arguments=-tunnel.{HEX}=other:1\n"
    )
    assert settings.gateways == {"example.uz": Address("own", 1)}


def test_faults_of_both_files_come_at_once(tmp_path: Path) -> None:
    assert (
        len(faults(tmp_path, "x=1\nagent.tunnel.a=b\n", "arguments=-tunnel.x=1 -tunnel.y=1")) == 4
    )


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for pair in ((tmp_path / "yoq", None), (None, tmp_path / "yoq")):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_settings(*pair)


def test_the_annotated_file_has_every_key(tmp_path: Path) -> None:
    text = (PROJECT / "config" / "agent.properties").read_text(encoding="utf-8")
    lines = [line.removeprefix("#") for line in text.splitlines() if line.startswith("#agent.")]
    assert {line.partition("=")[0] for line in lines} == {
        *(key.name for key in KEYS),
        f"{GATEWAY_PREFIX}example.uz",
    }
    for key in KEYS:
        if key.default:
            assert f"{key.name}={key.default}" in lines
    assert load_settings(PROJECT / "config" / "agent.properties", None) == load_settings(None, None)
