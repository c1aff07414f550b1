"""What asks the admin server, or does without it, must start quickly."""

from __future__ import annotations

import subprocess
import sys

QUICK = ("cli.status", "cli.close", "cli.check", "gateway.gateway", "revocation.watch")


def test_the_http_library_is_loaded_for_an_admin_address_or_a_fetch_only() -> None:
    modules = ", ".join(f"tunnel_gateway.{name}" for name in QUICK)
    code = f"import sys, {modules}; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
