"""A whole configuration file: its text, its parts, and all of its faults together."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.vendor_file import VENDOR, Faults, Write
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS
from tunnel_gateway.config.reading import value_of
from tunnel_gateway.errors import ConfigError, Fault

ANYWHERE = str(IPv4Address(0))


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
    configuration = load_configuration(write(f"{text}\n{line}\n"))
    of_daemon = field in {key.field for key in DAEMON_KEYS}
    assert value_of(configuration.daemon if of_daemon else configuration.tunnel, field) == value


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
    load_configuration(write(VENDOR + "server.port=x\nserver.port=y\ntunnel=1\ntunnels.limit=0\n"))


def test_a_gateway_that_is_off_needs_nothing_else(write: Write, tmp_path: Path) -> None:
    (tmp_path / "tunnel/truststore.jks").unlink()
    config = load_configuration(write("tunnel.enabled=NO\n")).tunnel
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
    assert load_configuration(write(data)).tunnel.enabled


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_either_encoding(write: Write, encoding: str) -> None:
    text = VENDOR.replace("12346578", "pass\u00e9")
    assert (
        load_configuration(write(text.encode(encoding))).tunnel.truststore_password
        == "pass\u00e9".encode()
    )


def test_passwords_are_not_shown(write: Write, faults: Faults) -> None:
    text = VENDOR + "tunnel.servers.password=geheim\n"
    shown = repr(load_configuration(write(text)).tunnel)
    assert "geheim" not in shown
    assert "12346578" not in shown
    (fault,) = faults(text.replace("geheim", "C:\\\\u\\users"))
    assert fault == "10: a \\u that is not followed by four hexadecimal digits"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.text("tunel.=:\\\nu0123 #hostprc", max_size=200).map(str.encode)
)
def test_any_file_gives_a_configuration_or_faults(write: Write, data: bytes) -> None:
    path = write(VENDOR.encode() + data)
    lines = len(re.split(rb"\r\n|\r|\n", path.read_bytes()))
    found: list[Fault] = []
    try:
        load_configuration(path)
    except ConfigError as error:
        found = error.faults
    assert all(fault.line is None or 1 <= fault.line <= lines for fault in found)
