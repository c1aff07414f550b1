"""Keys and certificates of the demonstration, under certs/dev.

``tunnel-gateway pki init`` makes the authority, the domain example.uz and two users; ``pki issue``
certifies ``localhost``, where a browser finds the page without any setting. The users' keys are
written again here, all under one password, for an agent that nobody is there to answer.
"""

from __future__ import annotations

import os
from base64 import b32encode
from dataclasses import dataclass
from pathlib import Path

from programs import ROOT, DemoError, gateway_program, program

from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.files.keyfiles import identity_to_pfx, load_identity

DOMAIN = "example.uz"
PAGE_DOMAIN = "localhost"
# The API-KEY of localhost, as section 1.1 of the vendor's guide prints it.
API_KEY = (
    "96D0C1491615C82B9A54D9989779DF825B690748224C2B04F500F370D51827CE"
    "2644D8D4A82C18184D73AB8530BB8ED537269603F61DB0D03D2104ABF789970B"
)
_ROUNDS = 2000  # the password is drawn by lot, and waiting is dull


@dataclass(frozen=True, slots=True)
class Certificates:
    """A folder of ``pki init``, and where its parts are."""

    folder: Path

    @property
    def truststore(self) -> Path:
        """The root."""
        return self.folder / "truststore.pem"

    @property
    def servers(self) -> Path:
        """The domains, for ``tunnel.servers.dir``."""
        return self.folder / "servers"

    @property
    def users(self) -> Path:
        """The users, each a folder."""
        return self.folder / "users"

    @property
    def phone_key(self) -> Path:
        """The key that is on the ID card of the development phone; its password lies beside it."""
        return self.users / "citizen" / "user.pfx"

    @property
    def page_keys(self) -> Path:
        """The users' keys once more, for the agent."""
        return self.folder / "page-keys"

    @property
    def password_file(self) -> Path:
        """The password of all of these."""
        return self.page_keys / "password"

    @property
    def name(self) -> str:
        """The folder as a person calls it: inside the project by its relative path."""
        inside = self.folder.is_relative_to(ROOT)
        return str(self.folder.relative_to(ROOT) if inside else self.folder)

    async def make(self) -> str:
        """Make what is not there yet; say what was done."""
        made = []
        if self.truststore.exists() and not (self.folder / "ca" / "tsa.pem").exists():
            raise DemoError(
                f"{self.name} was made by an earlier version, without an authority that answers:"
                " delete this folder, and start again"
            )
        if not self.truststore.exists():
            await self._pki("init", "--domain", DOMAIN)
            made.append("an authority")
        if not (self.servers / PAGE_DOMAIN).exists():
            await self._pki("issue", "--domain", PAGE_DOMAIN)
            made.append(f"a certificate for {PAGE_DOMAIN}")
        if people := self._make_page_keys():
            made.append(f"keys for the page: {', '.join(people)}")
        return (
            f"made in {self.name}: {', '.join(made)}" if made else f"{self.name} is there already"
        )

    async def _pki(self, command: str, *arguments: str) -> None:
        whole = gateway_program("pki", command, str(self.folder), *arguments)
        async with program(f"pki {command}", *whole) as making:
            if await making.process.wait():
                await making.stop()
                raise DemoError(f"no certificates: {making.last_words()}")

    def _make_page_keys(self) -> list[str]:
        """Give each user who lacks one a PFX under the one password; return their names."""
        self.page_keys.mkdir(exist_ok=True)
        if not self.password_file.exists():
            _write(self.password_file, b32encode(os.urandom(20)).lower() + b"\n")
        password = self.password_file.read_bytes().rstrip()
        lacking = [
            one
            for one in sorted(self.users.iterdir())
            if not (self.page_keys / f"{one.name}.pfx").exists()
        ]
        for folder in lacking:
            user = load_identity(folder / "key.pem", folder / "chain.pem")
            pfx = identity_to_pfx(user, make_alias(user.leaf), password, os.urandom, rounds=_ROUNDS)
            _write(self.page_keys / f"{folder.name}.pfx", pfx)
        return [one.name for one in lacking]


DEVELOPMENT = Certificates(ROOT / "certs" / "dev")


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
