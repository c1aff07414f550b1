"""Commands that ask the admin server must start quickly."""

from __future__ import annotations

import subprocess
import sys


def test_no_command_loads_the_http_server_when_it_starts() -> None:
    code = "import sys, tunnel_gateway.cli.main; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
