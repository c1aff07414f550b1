"""The constants on which the admin server and the commands that ask it agree.

This module imports nothing, so the commands start quickly.
"""

from __future__ import annotations

from typing import Final

# A page's form cannot send this header, and a script of another origin must ask for permission.
ACTION_HEADER: Final = "X-Tunnel-Gateway"
# The Server header of every answer: another program on the same port does not have it.
SERVER: Final = "tunnel-gateway"
