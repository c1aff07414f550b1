"""Keys and certificates of the demonstration, under certs/dev.

``tunnel-gateway pki init`` makes the authority, the domain example.uz and two users. What the page
needs beside that is made here with the same authority: a certificate for ``localhost``, where a
browser finds the page without any setting, and the users' keys under one password, for an agent
that nobody is there to answer.
"""

from __future__ import annotations

import os
from base64 import b32encode
from datetime import UTC, datetime
from pathlib import Path

from programs import ROOT, DemoError, gateway_program, program

from tunnel_gateway.pki.alias import make_alias
from tunnel_gateway.pki.authority import Authority
from tunnel_gateway.pki.certificate import to_pem
from tunnel_gateway.pki.keyfiles import (
    identity_to_pfx,
    load_identity,
    private_key_to_pem,
)

CERTIFICATES = ROOT / "certs" / "dev"
TRUSTSTORE = CERTIFICATES / "truststore.pem"
CENTRE = CERTIFICATES / "ca" / "centre.pem"
USERS = CERTIFICATES / "users"
KEYS = CERTIFICATES / "page-keys"
PASSWORD_FILE = KEYS / "password"
DOMAIN = "example.uz"
PAGE_DOMAIN = "localhost"
_ROUNDS = 2000  # the password is drawn by lot, and waiting is dull


async def make_certificates() -> str:
    """Make what is not there yet; say what was done."""
    made = []
    if not TRUSTSTORE.exists():
        arguments = gateway_program("pki", "init", str(CERTIFICATES), "--domain", DOMAIN)
        async with program("pki init", *arguments) as making:
            if await making.process.wait():
                await making.stop()
                raise DemoError(f"no certificates: {making.last_words()}")
        made.append("an authority")
    if not (CERTIFICATES / "servers" / PAGE_DOMAIN).exists():
        _make_page_domain()
        made.append(f"a certificate for {PAGE_DOMAIN}")
    if not PASSWORD_FILE.exists():
        _make_page_keys()
        made.append("keys for the page")
    name = CERTIFICATES.relative_to(ROOT)
    return f"made in {name}: {', '.join(made)}" if made else f"{name} is there already"


def _make_page_domain() -> None:
    centre = load_identity(CENTRE.with_suffix(".key.pem"), CENTRE)
    root = load_identity(CENTRE.with_name("root.key.pem"), CENTRE.with_name("root.pem"))
    made = Authority(root, centre).issue_domain(
        PAGE_DOMAIN, now=datetime.now(UTC), entropy=os.urandom
    )
    folder = CERTIFICATES / "servers" / PAGE_DOMAIN
    folder.mkdir()
    _write(folder / "chain.pem", to_pem(made.chain))
    _write(folder / "key.pem", private_key_to_pem(made.private_key, made.leaf.family))


def _make_page_keys() -> None:
    password = b32encode(os.urandom(20)).lower()
    KEYS.mkdir(exist_ok=True)
    for folder in sorted(USERS.iterdir()):
        user = load_identity(folder / "key.pem", folder / "chain.pem")
        pfx = identity_to_pfx(user, make_alias(user.leaf), password, os.urandom, rounds=_ROUNDS)
        _write(KEYS / f"{folder.name}.pfx", pfx)
    _write(PASSWORD_FILE, password + b"\n")


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
