"""Keys and certificates in files, as the programs want them, from an authority of today.

tests/support/pki.py makes its certificates at a fixed time, for tests that pass the time in; the
programs look at the clock.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tunnel_gateway.gost.curves import CRYPTOPRO_B, CRYPTOPRO_C
from tunnel_gateway.pki.authority import CENTRE, DOMAIN, USER, Authority, Person
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding.oids import FAMILY_2024
from tunnel_gateway.pki.files.keyfiles import Identity, private_key_to_pem
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.client import ClientSettings

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
MADE = NOW - 10 * DAY
CITIZEN = Person("G‘ANIYEV O‘KTAM", pinfl="10000000000001", uid="400000001")
FIRST_DOMAIN = "example.uz"  # on curve A, by the older family of standards
SECOND_DOMAIN = "boshqa.uz"  # on curve B, by the newer one


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key and chain lie where."""

    key: Path
    chain: Path
    identity: Identity


class Credentials:
    """A folder with a truststore, two domains, and the user ``citizen``.

    ``authority`` issues them; without it a new one does, whose certificates name no addresses.
    """

    def __init__(self, folder: Path, authority: Authority | None = None) -> None:
        self.folder = folder
        self.authority = authority or self.new_authority()
        self.truststore = folder / "truststore.pem"
        self.truststore.parent.mkdir(parents=True, exist_ok=True)
        self.truststore.write_bytes(to_pem(self.authority.root.chain))
        self.servers = folder / "servers"
        self.example = self.domain(FIRST_DOMAIN)
        self.domain(SECOND_DOMAIN, curve=CRYPTOPRO_B, family=FAMILY_2024)
        self.citizen = self.user("citizen")

    @staticmethod
    def new_authority() -> Authority:
        """Make an authority; nobody trusts a second one."""
        return Authority.create(now=MADE, entropy=os.urandom, centre=replace(CENTRE, days=3650))

    def domain(
        self,
        name: str,
        *,
        folder: Path | None = None,
        issuer: Authority | None = None,
        certified: str | None = None,
        **profile: Any,
    ) -> Holder:
        """Make a domain, for the name ``certified`` if that is another than its folder's."""
        identity = (issuer or self.authority).issue_domain(
            certified or name,
            now=MADE,
            entropy=os.urandom,
            profile=replace(DOMAIN, **profile),
        )
        return _write((folder or self.servers) / name, identity)

    def user(
        self,
        name: str,
        person: Person = CITIZEN,
        *,
        issuer: Authority | None = None,
        **profile: Any,
    ) -> Holder:
        """Make a user; ``profile`` changes fields of the certificate's profile."""
        profile = {"curve": CRYPTOPRO_C} | profile
        identity = (issuer or self.authority).issue_user(
            person, now=MADE, entropy=os.urandom, profile=replace(USER, **profile)
        )
        return _write(self.folder / "users" / name, identity)

    def settings(
        self,
        *,
        domain: str = FIRST_DOMAIN,
        dst_id: str = "api",
        identity: Identity | None = None,
    ) -> ClientSettings:
        """Return what a client in this process wants."""
        return ClientSettings(
            server_name=domain,
            dst_id=dst_id,
            identity=identity or self.citizen.identity,
            validator=ChainValidator([self.authority.root.leaf]),
        )


def _write(folder: Path, identity: Identity) -> Holder:
    folder.mkdir(parents=True, exist_ok=True)
    key, chain = folder / "key.pem", folder / "chain.pem"
    key.touch(mode=0o600)
    key.write_bytes(private_key_to_pem(identity.private_key, identity.leaf.family))
    chain.write_bytes(to_pem(identity.chain))
    return Holder(key, chain, identity)
