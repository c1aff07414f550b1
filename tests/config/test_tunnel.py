"""The tunnels' part of a configuration."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

from tests.support.settings_fields import fields_of
from tests.support.vendor_file import VENDOR, Faults, Write
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.tunnel import (
    Config,
    FleetSettings,
    LimitSettings,
    ListenSettings,
    RelaySettings,
    RevocationSettings,
    SourceSettings,
    StpSettings,
)
from tunnel_gateway.config.values import Address, Allowance

ANYWHERE = str(IPv4Address(0))


def test_the_vendors_file_and_our_defaults(write: Write, tmp_path: Path) -> None:
    assert load_configuration(write(VENDOR)).tunnel == Config(
        enabled=True,
        listen=ListenSettings(ANYWHERE, 8843, reuseport=False),
        proxy_from=None,
        servers_dir=tmp_path / "tunnel/servers",
        servers_password=None,
        truststore_file=tmp_path / "tunnel/truststore.jks",
        truststore_password=b"12346578",
        intermediates_dir=None,
        http_pages=False,
        handshake_timeout=10,
        limits=LimitSettings(handshakes=256, tunnels=10000, certificate=64),
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
        workers=None,
        upgrade_timeout=90,
        connect_timeout=5,
        revocation=RevocationSettings("off", 3, 600, cache_dir=None, crl_dir=None),
        fleet=FleetSettings(None, None),
        stp=StpSettings(False, frozenset({"cfb", "gofb", "gcfb"}), None),
        destinations={"0": Destination("0", (Address("192.168.1.11", 8080),))},
    )


def test_several_destinations(write: Write) -> None:
    more = "tunnel.destination.tax-API_2.port=90\ntunnel.destination.tax-API_2.host=tax\n"
    destinations = load_configuration(write(VENDOR + more)).tunnel.destinations
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
        ("=1", "10: {0}: unknown key; did you mean {0}0.stp?"),
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


def test_no_destination_at_all_but_a_misspelt_one(faults: Faults) -> None:
    text = VENDOR.replace("0.host", "0.hst").replace("0.port", "0.prt")
    assert [fault.partition(";")[0] for fault in faults(text)] == [
        "8: tunnel.destination.0.hst: unknown key",
        "9: tunnel.destination.0.prt: unknown key",
    ]


def test_stp_needs_a_destination_with_a_number(faults: Faults, write: Write) -> None:
    settings = load_configuration(write(VENDOR + "tunnel.stp=yes\n")).tunnel.stp
    assert settings == StpSettings(True, frozenset({"cfb", "gofb", "gcfb"}), None)
    for name in ("256", "07", "api"):
        text = VENDOR.replace("destination.0.", f"destination.{name}.") + "tunnel.stp=yes\n"
        (fault,) = faults(text)
        assert fault.startswith("10: tunnel.stp: no destination for these clients")
    (fault,) = faults(VENDOR + "tunnel.stp=yes\ntunnel.destination.0.stp=no\n")
    assert fault.startswith("10: tunnel.stp: no destination for these clients")


@pytest.mark.parametrize("setting", ["modes=cfb", "domain=example.uz"])
def test_the_settings_of_stp_need_stp(faults: Faults, setting: str) -> None:
    (fault,) = faults(VENDOR + f"tunnel.stp.{setting}\n")
    name = f"tunnel.stp.{setting.partition('=')[0]}"
    assert fault == f"10: {name}: has no effect without tunnel.stp=yes"


def test_the_modes_of_stp(faults: Faults, write: Write) -> None:
    text = VENDOR + "tunnel.stp=yes\ntunnel.stp.modes="
    assert load_configuration(write(f"{text}SIC, gcfb\n")).tunnel.stp.modes == {"sic", "gcfb"}
    for wrong in ("ctr", "cfb,", ","):
        (fault,) = faults(f"{text}{wrong}\n")
        assert fault.startswith("11: tunnel.stp.modes: expected words with commas between")


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
    assert load_configuration(write(text)).tunnel.servers_dir == folder


def test_the_table_has_every_field_once(write: Write) -> None:
    fields = sorted(fields_of(load_configuration(write(VENDOR)).tunnel))
    assert sorted([*(key.field for key in KEYS), "destinations"]) == fields
