"""``tunnel-gateway pki init`` and ``pki issue``: a development authority and its certificates."""

from __future__ import annotations

import argparse
import os
import sys
from base64 import b32encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tunnel_gateway.cli.arguments import domain, password_in
from tunnel_gateway.errors import FileError
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.authority import (
    API_KEYS,
    CENTRE,
    DOMAIN,
    ROOT,
    USER,
    Authority,
    Person,
    Profile,
    issue,
)
from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding.oids import FAMILIES
from tunnel_gateway.pki.files import pbe
from tunnel_gateway.pki.files.keyfiles import (
    PASSWORD_SUFFIX,
    Identity,
    identity_to_pfx,
    load_identity,
    private_key_to_encrypted_pem,
    private_key_to_pem,
)

_CURVES: Final = {curve.name[-1]: curve for curve in CURVES}
_FAMILIES: Final = dict(zip(("2009", "2024"), FAMILIES, strict=True))
_DEFAULT_DOMAIN: Final = "example.uz"
# The password is 160 random bits, so more rounds would only cost time. OpenSSL uses this number.
_ROUNDS_FOR_A_DRAWN_PASSWORD: Final = 2048
# Linux allows so many bytes in one part of a path.
_MAX_FILE_NAME: Final = 255
_API_KEYS: Final = [("CN", "Development API-KEYs"), ("O", "tunnel-gateway"), ("C", "UZ")]
_ORGANISATION: Final = "“NAMUNA” MCHJ"
# Made-up numbers: no one was born in a month 00.
_DEFAULT_USERS: Final = {
    "citizen": Person("G‘ANIYEV O‘KTAM", pinfl="10000000000001", uid="400000001"),
    "officer": Person(
        "TO‘LAGANOVA OYGUL",
        pinfl="10000000000002",
        uid="400000002",
        inn="300000001",
        organisation=_ORGANISATION,
    ),
}

_INIT_HELP: Final = """\
Make an authority for development and tests, and write into DIR, which must be new or empty:

  truststore.pem                    the root
  ca/root.pem, centre.pem           the authority's certificates, and .key.pem beside them
  ca/api-keys.pem                   the certificate for the API-KEYs that pki apikey prints
  servers/DOMAIN/chain.pem, key.pem a certificate for each --domain
  servers-pfx/DOMAIN.pfx            the same as a PFX, as the centres give them out, and in
              DOMAIN.pfx.password   its password, unless --password-file has it
  users/NAME/chain.pem, key.pem     a certificate for each --user and --officer
  users/NAME/user.pfx               the same as a PFX, the form of E-IMZO, and in
             user.pfx.password      its password

tunnel.servers.dir takes either folder, servers or servers-pfx. Private keys and passwords are
readable by their owner only. "pki issue" certifies more domains and users later. Only programs that
get this truststore trust the authority: do not use it for anything real.

example:
  tunnel-gateway pki init certs/dev --domain example.uz --user Gulnora --officer Botir
"""
_ISSUE_HELP: Final = """\
Certify more domains and users with the authority that `pki init DIR` made. The files have the same
names as those of `pki init`. The authority decides the curve and the family of standards. Files
that exist are not overwritten.

example:
  tunnel-gateway pki issue certs/dev --domain api.example.uz --user Dilshod --officer Nodira
"""


def add_init(commands: Any) -> None:
    """Register ``pki init``."""
    parser = _command(commands, "init", "make a development authority", _INIT_HELP)
    add = parser.add_argument
    add("--curve", choices=_CURVES, default="A", help="of all keys (default: A)")
    add("--family", choices=_FAMILIES, default="2009", help="of the standards (default: 2009)")
    add("--password-file", type=Path, help="encrypt every private key under what FILE holds")
    parser.set_defaults(run=_init)


def add_issue(commands: Any) -> None:
    """Register ``pki issue``."""
    parser = _command(commands, "issue", "certify more domains and users", _ISSUE_HELP)
    parser.add_argument(
        "--password-file",
        type=Path,
        help="opens the authority's keys, as given to pki init, and encrypts the new ones",
    )
    parser.set_defaults(run=_issue)


def _command(commands: Any, name: str, summary: str, description: str) -> Any:
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(wrong_usage=parser.error)
    add = parser.add_argument
    add("directory", metavar="DIR", type=Path)
    add(
        "--domain",
        dest="domains",
        metavar="NAME",
        action="append",
        type=domain,
        help=f"a domain to certify; may be repeated (pki init without: {_DEFAULT_DOMAIN})",
    )
    add(
        "--user",
        dest="people",
        metavar="NAME",
        action="append",
        type=_natural_person,
        help="a natural person to certify, with a random PINFL and UID; may be repeated"
        " (pki init without: citizen, a natural person, and officer)",
    )
    add(
        "--officer",
        dest="people",
        metavar="NAME",
        action="append",
        type=_officer,
        help="the same for a person who acts for a legal entity, which gives the INN",
    )
    add("--days", type=_days, help="how long domains and users are certified (default: two years)")
    return parser


def _natural_person(text: str) -> Person:
    if not text.isprintable() or not text.strip() or text.startswith(".") or os.sep in text:
        raise argparse.ArgumentTypeError(f"not usable as a name and as a folder: {text!a}")
    if len(os.fsencode(text)) > _MAX_FILE_NAME:
        raise argparse.ArgumentTypeError(f"over {_MAX_FILE_NAME} bytes, too long for a folder")
    return Person(text, pinfl=f"1{_digits(13)}", uid=f"4{_digits(8)}")


def _officer(text: str) -> Person:
    return replace(_natural_person(text), inn=f"3{_digits(8)}", organisation=_ORGANISATION)


def _digits(count: int) -> str:
    return f"{int.from_bytes(os.urandom(16), 'big') % 10**count:0{count}}"


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= ROOT.days:
        raise argparse.ArgumentTypeError(f"not a number of days from 1 to {ROOT.days}: {text!a}")
    return int(text)


def _init(args: argparse.Namespace) -> int:
    folder: Path = args.directory
    people = _people(args) or _DEFAULT_USERS
    if not _is_free(folder):
        print(
            f"{folder}: there is something there already, and keys are not overwritten;"
            " name a new directory or empty this one, or certify more with it by pki issue",
            file=sys.stderr,
        )
        return 1
    writer = _Writer(folder, password_in(args.password_file))
    try:
        authority = _write_authority(writer, args)
        _certify(writer, authority, _domains(args) or [_DEFAULT_DOMAIN], people, args.days)
    except FileError as error:
        if _is_free(folder):
            raise
        raise FileError(f"{error}; remove {folder}, which is not complete, and try again") from None
    print(f"{folder}: made a development authority; trust it with {folder / 'truststore.pem'}")
    return 0


def _issue(args: argparse.Namespace) -> int:
    people = _people(args)
    domains = _domains(args)
    if not domains and not people:
        args.wrong_usage("name at least one --domain, --user or --officer")
    password = password_in(args.password_file)
    root, centre = (_load_issuer(args.directory, name, password) for name in ("root", "centre"))
    writer = _Writer(args.directory, password)
    for path in (*map(writer.domain_folder, domains), *map(writer.user_folder, people)):
        if path.exists():
            raise FileError(
                f"{path}: there already, and keys are not overwritten; choose another name,"
                " or remove it"
            )
    for path in _certify(writer, Authority(root, centre), domains, people, args.days):
        print(path)
    return 0


def _load_issuer(folder: Path, name: str, password: bytes | None) -> Identity:
    key = folder / "ca" / f"{name}.key.pem"
    if not key.exists():
        raise FileError(f"{key}: not there; name the DIR of a pki init, or make one with it")
    return load_identity(key, folder / "ca" / f"{name}.pem", password)


def _domains(args: argparse.Namespace) -> list[str]:
    return [*dict.fromkeys(args.domains or ())]


def _people(args: argparse.Namespace) -> dict[str, Person]:
    """Return the persons by name; a person may be named twice if all else is the same."""
    people: dict[str, Person] = {}
    for person in args.people or []:
        first = people.setdefault(person.name, person)
        if (first.inn is None) != (person.inn is None):
            args.wrong_usage(f"{person.name!a} is both a --user and an --officer")
    return people


def _is_free(folder: Path) -> bool:
    try:
        return not folder.exists() or not any(folder.iterdir())
    except OSError as fault:
        raise FileError(f"{folder}: {sentence(fault)}") from fault


def _write_authority(writer: _Writer, args: argparse.Namespace) -> Authority:
    now = datetime.now(UTC)

    def profile(base: Profile) -> Profile:
        return replace(base, curve=_CURVES[args.curve], family=_FAMILIES[args.family])

    authority = Authority.create(
        now=now, entropy=os.urandom, root=profile(ROOT), centre=profile(CENTRE)
    )
    writer.write("truststore.pem", to_pem([authority.root.leaf]), 0o644)
    writer.identity(authority.root, "ca/root.pem", "ca/root.key.pem")
    writer.identity(authority.centre, "ca/centre.pem", "ca/centre.key.pem")
    api_keys = issue(None, _API_KEYS, profile(API_KEYS), now=now, entropy=os.urandom)
    writer.identity(api_keys, "ca/api-keys.pem", "ca/api-keys.key.pem")
    return authority


def _certify(
    writer: _Writer,
    authority: Authority,
    domains: list[str],
    people: dict[str, Person],
    days: int | None,
) -> list[Path]:
    """Issue and write certificates of the authority's curve and family; returns their folders."""
    now, centre = datetime.now(UTC), authority.centre

    def profile(base: Profile) -> Profile:
        return replace(
            base,
            curve=centre.private_key.curve,
            family=centre.leaf.family,
            days=days or base.days,
        )

    for name in domains:
        identity = authority.issue_domain(
            name, now=now, entropy=os.urandom, profile=profile(DOMAIN)
        )
        writer.identity(identity, f"servers/{name}/chain.pem", f"servers/{name}/key.pem")
        writer.pfx(identity, f"servers-pfx/{name}.pfx", name)
    for name, person in people.items():
        identity = authority.issue_user(person, now=now, entropy=os.urandom, profile=profile(USER))
        writer.identity(identity, f"users/{name}/chain.pem", f"users/{name}/key.pem")
        writer.pfx(identity, f"users/{name}/user.pfx", make_alias(identity.leaf))
    return [*map(writer.domain_folder, domains), *map(writer.user_folder, people)]


@dataclass(frozen=True)
class _Writer:
    """Writes files under a folder, never over one that is there."""

    folder: Path
    password: bytes | None

    def domain_folder(self, domain: str) -> Path:
        return self.folder / "servers" / domain

    def user_folder(self, name: str) -> Path:
        return self.folder / "users" / name

    def write(self, name: str, data: bytes, mode: int) -> None:
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Private from the first moment, and not only once it is written.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(data)
        except OSError as fault:
            raise FileError(f"{path}: {sentence(fault)}") from fault

    def identity(self, identity: Identity, chain_name: str, key_name: str) -> None:
        key, family = identity.private_key, identity.leaf.family
        pem = (
            private_key_to_pem(key, family)
            if self.password is None
            else private_key_to_encrypted_pem(key, family, self.password, os.urandom)
        )
        self.write(key_name, pem, 0o600)
        self.write(chain_name, to_pem(identity.chain), 0o644)

    def pfx(self, identity: Identity, name: str, alias: str) -> None:
        password, rounds = self.password, pbe.ROUNDS
        if password is None:
            password, rounds = b32encode(os.urandom(20)).lower(), _ROUNDS_FOR_A_DRAWN_PASSWORD
            self.write(f"{name}{PASSWORD_SUFFIX}", password + b"\n", 0o600)
        self.write(
            name, identity_to_pfx(identity, alias, password, os.urandom, rounds=rounds), 0o600
        )
