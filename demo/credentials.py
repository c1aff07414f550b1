"""Keys and certificates of the demonstration, under certs/dev.

``tunnel-gateway pki init`` makes the authority, the domain example.uz and two users; ``pki issue``
certifies ``localhost``, where a browser finds the page without any setting. The users' keys are
written again here, all under one password, for an agent that nobody is there to answer.
"""

from __future__ import annotations

import os
from base64 import b32encode
from pathlib import Path

from programs import ROOT, DemoError, gateway_program, program

from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.files.keyfiles import identity_to_pfx, load_identity

CERTIFICATES = ROOT / "certs" / "dev"
TRUSTSTORE = CERTIFICATES / "truststore.pem"
USERS = CERTIFICATES / "users"
KEYS = CERTIFICATES / "page-keys"
PASSWORD_FILE = KEYS / "password"
DOMAIN = "example.uz"
PAGE_DOMAIN = "localhost"
# The API-KEY of localhost, as section 1.1 of the vendor's guide prints it.
API_KEY = (
    "96D0C1491615C82B9A54D9989779DF825B690748224C2B04F500F370D51827CE"
    "2644D8D4A82C18184D73AB8530BB8ED537269603F61DB0D03D2104ABF789970B"
)
_ROUNDS = 2000  # the password is drawn by lot, and waiting is dull


async def make_certificates() -> str:
    """Make what is not there yet; say what was done."""
    made = []
    if not TRUSTSTORE.exists():
        await _pki("init", "--domain", DOMAIN)
        made.append("an authority")
    if not (CERTIFICATES / "servers" / PAGE_DOMAIN).exists():
        await _pki("issue", "--domain", PAGE_DOMAIN)
        made.append(f"a certificate for {PAGE_DOMAIN}")
    if people := _make_page_keys():
        made.append(f"keys for the page: {', '.join(people)}")
    name = CERTIFICATES.relative_to(ROOT)
    return f"made in {name}: {', '.join(made)}" if made else f"{name} is there already"


async def _pki(command: str, *arguments: str) -> None:
    whole = gateway_program("pki", command, str(CERTIFICATES), *arguments)
    async with program(f"pki {command}", *whole) as making:
        if await making.process.wait():
            await making.stop()
            raise DemoError(f"no certificates: {making.last_words()}")


def _make_page_keys() -> list[str]:
    """Give each user who lacks one a PFX under the one password; return their names."""
    KEYS.mkdir(exist_ok=True)
    if not PASSWORD_FILE.exists():
        _write(PASSWORD_FILE, b32encode(os.urandom(20)).lower() + b"\n")
    password = PASSWORD_FILE.read_bytes().rstrip()
    lacking = [one for one in sorted(USERS.iterdir()) if not (KEYS / f"{one.name}.pfx").exists()]
    for folder in lacking:
        user = load_identity(folder / "key.pem", folder / "chain.pem")
        pfx = identity_to_pfx(user, make_alias(user.leaf), password, os.urandom, rounds=_ROUNDS)
        _write(KEYS / f"{folder.name}.pfx", pfx)
    return [one.name for one in lacking]


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
