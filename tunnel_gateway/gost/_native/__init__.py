"""The C sources and their cffi build: the one place that touches C.

Importing the extension imports this first, so that libgcrypt, which makes the digests where no
kernel for them runs, is set up before any other call: used without that, it complains to the
system log.
"""

from __future__ import annotations

from tunnel_gateway.gost._native._gost import lib

if not lib.gost_curve_initialize():
    raise ImportError("libgcrypt 1.10 or newer is needed: install the package libgcrypt20")
