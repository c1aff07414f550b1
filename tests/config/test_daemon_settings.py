"""The daemon's part of a configuration."""

from __future__ import annotations

from tests.support.settings_fields import fields_of
from tests.support.vendor_file import VENDOR, Write
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS, DaemonSettings, LogSettings


def test_the_defaults(write: Write) -> None:
    assert load_configuration(write(VENDOR)).daemon == DaemonSettings(
        admin_listen=None,
        log=LogSettings("auto", "info", "masked"),
        audit_file=None,
        memory_limit=2048,
        drain_timeout=30,
        reload_interval=0,
    )


def test_the_table_has_every_field_once(write: Write) -> None:
    fields = sorted(fields_of(load_configuration(write(VENDOR)).daemon))
    assert sorted(key.field for key in DAEMON_KEYS) == fields
