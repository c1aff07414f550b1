from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.tunnel import (
    Config,
    FleetSettings,
    LimitSettings,
    ListenSettings,
    LogSettings,
    RelaySettings,
    RevocationSettings,
    SourceSettings,
    load_config,
)
from tunnel_gateway.config.values import Address, Allowance
from tunnel_gateway.errors import ConfigError, Fault

# The vendor's own example, with the spaces at the ends that its guide has.
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

ANYWHERE = str(IPv4Address(0))

Write = Callable[[str | bytes], Path]


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
            load_config(path)
        assert all(fault.file == str(path) for fault in caught.value.faults)
        return [
            str(fault).removeprefix(str(path)).removeprefix(":").strip()
            for fault in caught.value.faults
        ]

    return faults_of


Faults = Callable[[str], list[str]]


def test_the_vendors_file_and_our_defaults(write: Write, tmp_path: Path) -> None:
    assert load_config(write(VENDOR)) == Config(
        enabled=True,
        listen=ListenSettings(ANYWHERE, 8843, reuseport=False),
        proxy_from=None,
        servers_dir=tmp_path / "tunnel/servers",
        servers_password=None,
        truststore_file=tmp_path / "tunnel/truststore.jks",
        truststore_password=b"12346578",
        http_pages=False,
        handshake_timeout=10,
        limits=LimitSettings(handshakes=256, tunnels=10000, memory=2048, certificate=64),
        sources=SourceSettings(
            rate=20,
            burst=200,
            handshakes=64,
            tunnels=1000,
            networks=(
                Allowance(IPv4Network("127.0.0.0/8"), 0),
                Allowance(IPv6Network("::/64"), 0),
            ),
        ),
        relay=RelaySettings(86400, 0, idle_timeout=3600, half_close_timeout=60),
        upgrade_timeout=90,
        connect_timeout=5,
        drain_timeout=30,
        reload_interval=0,
        revocation=RevocationSettings("off", 3, 600, cache_dir=None, crl_dir=None),
        fleet=FleetSettings(None, None),
        admin_listen=None,
        log=LogSettings("auto", "info", "masked"),
        audit_file=None,
        destinations={"0": Destination("0", (Address("192.168.1.11", 8080),))},
    )


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("tunnel.listen.ip=::1", "listen.ip", "::1"),
        ("tunnel.listen.ip=", "listen.ip", ANYWHERE),
        ("tunnel.listen.port : 1", "listen.port", 1),
        ("tunnel.listen.port 65535", "listen.port", 65535),
        ("tunnel.servers.password=a b ", "servers_password", b"a b"),
        ("tunnel.servers.password=o\u2018z\\u2018", "servers_password", "o‘z‘".encode()),
        ("tunnel.truststore.password=", "truststore_password", None),
        ("tunnel.handshake.timeout=0.5", "handshake_timeout", 0.5),
        ("tunnel.handshake.limit=\\\n  7", "limits.handshakes", 7),
        ("tunnel.drain.timeout=0", "drain_timeout", 0),
        ("tunnel.log.level=debug", "log.level", "debug"),
    ],
)
def test_a_value_is_read(write: Write, line: str, field: str, value: object) -> None:
    key = re.split("[ =:]", line)[0]
    text = "\n".join(known for known in VENDOR.splitlines() if not known.startswith(key))
    assert load_config(write(f"{text}\n{line}\n")).value(field) == value


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tunnel.enabled=true", "expected yes or no, got 'true'"),
        ("tunnel.enabled=", "must be given, yes or no"),
        (
            "tunnel.listen.ip=[::1]",
            "expected an IPv4 or IPv6 address without brackets, got '[::1]'",
        ),
        ("tunnel.listen.port=0", "expected a whole number from 1 to 65535, got '0'"),
        ("tunnel.listen.port=65536", "expected a whole number from 1 to 65535, got '65536'"),
        ("tunnel.listen.port=٨", "expected a whole number from 1 to 65535, got '٨'"),
        ("tunnel.handshake.limit=1_0", "expected a whole number from 1 to 65536, got '1_0'"),
        ("tunnel.limit=-1", "expected a whole number from 1 to 1000000, got '-1'"),
        (
            "tunnel.connect.timeout=5s",
            "expected a number of seconds from 0.1 to 300, without a unit, got '5s'",
        ),
        (
            "tunnel.connect.timeout=0",
            "expected a number of seconds from 0.1 to 300, without a unit, got '0'",
        ),
        (
            "tunnel.idle.timeout=nan",
            "expected a number of seconds from 1 to 604800, without a unit, got 'nan'",
        ),
        ("tunnel.log.format=xml", "expected auto or console or json, got 'xml'"),
    ],
)
def test_a_wrong_value_is_a_fault(faults: Faults, line: str, expected: str) -> None:
    key = line.partition("=")[0]
    text = "\n".join(known for known in VENDOR.splitlines() if not known.startswith(key))
    assert faults(f"{line}\n{text}") == [f"1: {key}: {expected}"]


def test_all_faults_come_together_in_the_order_of_the_lines(faults: Faults) -> None:
    text = (
        "# a comment\n"
        "tunnel.listen.prot=1\\\n"
        "  2\n"
        "\n"
        "tunnel.limit=none\r\n"
        "tunnel.drain.timeout=1\r"
        "tunnel.drain.timeout=2\n"
        "tunnel.log.level=\\uZZZZ\n"
        "tunnel.log.format=xml\n"
        "tunnel.servers.dir=nowhere\n"
    )
    assert [fault.split(" ")[:2] for fault in faults(text)] == [
        ["tunnel.enabled:", "must"],
        ["no", "destination"],
        ["2:", "tunnel.listen.prot:"],
        ["5:", "tunnel.limit:"],
        ["7:", "tunnel.drain.timeout:"],
        ["8:", "a"],
        ["9:", "tunnel.log.format:"],
        ["10:", "tunnel.servers.dir:"],
    ]
    assert "7: tunnel.drain.timeout: given twice, first in line 6" in faults(text)


def test_several_destinations(write: Write) -> None:
    more = "tunnel.destination.tax-API_2.port=90\ntunnel.destination.tax-API_2.host=tax\n"
    destinations = load_config(write(VENDOR + more)).destinations
    assert destinations == {
        "0": Destination("0", (Address("192.168.1.11", 8080),)),
        "tax-API_2": Destination("tax-API_2", (Address("tax", 90),)),
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1.host=a", "10: {0}1.host: {0}1.port is missing beside it"),
        ("1.port=1", "10: {0}1.port: {0}1.host is missing beside it"),
        ("0.hots=a", "10: {0}0.hots: unknown key; did you mean {0}0.host?"),
        ("x.prot=1", "10: {0}x.prot: unknown key; did you mean {0}x.port?"),
        ("=1", "10: {0}: unknown key; did you mean {0}0.port?"),
    ],
)
def test_a_wrong_destination(faults: Faults, line: str, expected: str) -> None:
    prefix = "tunnel.destination."
    assert faults(f"{VENDOR}{prefix}{line}") == [expected.format(prefix)]


@pytest.mark.parametrize("dst_id", ["", "a.b", "a b", "o‘", "a" * 65])
def test_a_wrong_identifier_of_a_destination(faults: Faults, dst_id: str) -> None:
    name = f"tunnel.destination.{dst_id}"
    key = name.replace(" ", "\\ ")
    assert faults(f"{VENDOR}{key}.host=a\n{key}.port=1") == [
        f"10: {name}.host: a destination is named by 1 to 64 letters, digits, _ or -"
    ]


@pytest.mark.parametrize(
    ("key", "guess"),
    [
        ("tunnel.listen.prot", "; did you mean tunnel.listen.port?"),
        ("tunnel.destnation.0.host", "; did you mean tunnel.destination.0.host?"),
        ("tunnel.zzz", ""),
    ],
)
def test_an_unknown_key(faults: Faults, key: str, guess: str) -> None:
    assert faults(f"{VENDOR}{key}=1\n") == [f"10: {key}: unknown key{guess}"]


def test_keys_of_others_are_left_alone(write: Write) -> None:
    load_config(write(VENDOR + "server.port=x\nserver.port=y\ntunnel=1\ntunnels.limit=0\n"))


def test_no_destination_at_all_but_a_misspelt_one(faults: Faults) -> None:
    text = VENDOR.replace("0.host", "0.hst").replace("0.port", "0.prt")
    assert [fault.partition(";")[0] for fault in faults(text)] == [
        "8: tunnel.destination.0.hst: unknown key",
        "9: tunnel.destination.0.prt: unknown key",
    ]


MISSING = "No such file or directory"


def test_paths_that_are_not_there(faults: Faults, tmp_path: Path) -> None:
    text = VENDOR.replace("tunnel/servers", "no").replace("tunnel/truststore.jks", "tunnel")
    assert faults(text) == [
        f"5: tunnel.servers.dir: '{tmp_path}/no' is not a usable folder ({MISSING})",
        f"7: tunnel.truststore.file: '{tmp_path}/tunnel' is not a file",
    ]


def test_default_paths_that_are_not_there_say_so(faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "tunnel/truststore.jks").unlink()
    text = VENDOR.replace("tunnel.truststore.file=tunnel/truststore.jks\n", "")
    (fault,) = faults(text)
    assert fault.startswith(f"tunnel.truststore.file: '{tmp_path}/tunnel/truststore.jks' is no")
    assert fault.endswith("; this is the default")


def test_a_path_that_no_file_can_have(faults: Faults) -> None:
    (fault,) = faults(VENDOR.replace("tunnel/servers", "a\\u0000b"))
    assert fault.startswith("5: tunnel.servers.dir: ")
    assert fault.isprintable()


def test_an_absolute_path_stays_absolute(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    text = VENDOR.replace("tunnel/servers", str(folder))
    assert load_config(write(text)).servers_dir == folder


def test_a_gateway_that_is_off_needs_nothing_else(write: Write, tmp_path: Path) -> None:
    (tmp_path / "tunnel/truststore.jks").unlink()
    config = load_config(write("tunnel.enabled=NO\n"))
    assert not config.enabled
    assert not config.destinations


def test_faults_are_faults_of_a_gateway_that_is_off(faults: Faults) -> None:
    assert len(faults("tunnel.enabled=no\ntunnel.limit=x\ntunnel.destination.0.host=a\n")) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + VENDOR.encode(),
        VENDOR.replace("\n", "\r\n").encode(),
        VENDOR.replace("\n", "\r").encode(),
    ],
    ids=["byte order mark", "CRLF", "CR"],
)
def test_how_editors_write_it(write: Write, data: bytes) -> None:
    assert load_config(write(data)).enabled


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_either_encoding(write: Write, encoding: str) -> None:
    text = VENDOR.replace("12346578", "pass\u00e9")
    assert load_config(write(text.encode(encoding))).truststore_password == "pass\u00e9".encode()


def test_passwords_are_not_shown(write: Write, faults: Faults) -> None:
    text = VENDOR + "tunnel.servers.password=geheim\n"
    shown = repr(load_config(write(text)))
    assert "geheim" not in shown
    assert "12346578" not in shown
    (fault,) = faults(text.replace("geheim", "C:\\\\u\\users"))
    assert fault == "10: a \\u that is not followed by four hexadecimal digits"


def fields_of(settings: Any) -> Iterator[str]:
    """Yield the fields of the configuration, those of a group with its name before them."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from (f"{field.name}.{name}" for name in fields_of(value))
        else:
            yield field.name


def test_the_table_has_every_field_once(write: Write) -> None:
    fields = sorted(fields_of(load_config(write(VENDOR))))
    assert sorted([*(key.field for key in KEYS), "destinations"]) == fields


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.text("tunel.=:\\\nu0123 #hostprc", max_size=200).map(str.encode)
)
def test_any_file_gives_a_configuration_or_faults(write: Write, data: bytes) -> None:
    path = write(VENDOR.encode() + data)
    lines = len(re.split(rb"\r\n|\r|\n", path.read_bytes()))
    found: list[Fault] = []
    try:
        load_config(path)
    except ConfigError as error:
        found = error.faults
    assert all(fault.line is None or 1 <= fault.line <= lines for fault in found)
