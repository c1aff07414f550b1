"""The configuration by which OpenSSL loads gost-engine; the environment names its file."""

from __future__ import annotations

from typing import Final

CONFIGURATION: Final = """\
openssl_conf = openssl_init
[openssl_init]
engines = engine_section
[engine_section]
gost = gost_section
[gost_section]
engine_id = gost
default_algorithms = ALL
"""
