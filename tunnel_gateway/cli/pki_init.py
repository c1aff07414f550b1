"""``tunnel-gateway pki init`` and ``pki issue``: a development authority and its certificates."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tunnel_gateway.centre.authority_folder import (
    API_KEY_SIGNER,
    RESPONDER,
    TIME_STAMPER,
    AuthorityFolder,
)
from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.arguments import domain, password_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.progress import Progress
from tunnel_gateway.errors import FileError
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.pki.authority import (
    API_KEYS,
    CENTRE,
    DOMAIN,
    ROOT,
    STATUS_ANSWERS,
    TIME_STAMPS,
    USER,
    Authority,
    Person,
    Profile,
    issue,
)
from tunnel_gateway.pki.encoding.oids import FAMILIES
from tunnel_gateway.pki.services import CENTRE_NAME, DEFAULT, ROOT_NAME, Services

_CURVES: Final = {curve.name[-1]: curve for curve in CURVES}
_FAMILIES: Final = dict(zip(("2009", "2024"), FAMILIES, strict=True))
_DEFAULT_DOMAIN: Final = "example.uz"
# Linux allows so many bytes in one part of a path.
_MAX_FILE_NAME: Final = 255
_API_KEYS_NAME: Final = [("CN", "Development API-KEYs"), ("O", "tunnel-gateway"), ("C", "UZ")]
_PROGRESS: Final = "making keys and certificates"
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
  ca/tsa.pem, ocsp.pem              for the time stamps and answers of pki serve
  ca/api-keys.pem                   for the API-KEYs that pki apikey prints
  ca/issued/                        every certificate that the authority has issued
  servers/DOMAIN/chain.pem, key.pem a certificate for each --domain
  servers-pfx/DOMAIN.pfx            the same as a PFX, as the centres give them out, and in
              DOMAIN.pfx.password   its password, unless --password-file has it
  users/NAME/chain.pem, key.pem     a certificate for each --user and --officer
  users/NAME/user.pfx               the same as a PFX, the form of E-IMZO, and in
             user.pfx.password      its password

All certificates name the --address at which "pki serve DIR" tells their status, on this machine
only. tunnel.servers.dir takes either folder, servers or servers-pfx. Private keys and passwords are
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


def add_init(commands: Subparsers) -> None:
    """Register ``pki init``."""
    parser = _command(commands, "init", "make a development authority", _INIT_HELP, _init)
    add = parser.add_argument
    add("--curve", choices=_CURVES, default="A", help="of all keys (default: A)")
    add("--family", choices=_FAMILIES, default="2009", help="of the standards (default: 2009)")
    add(
        "--address",
        type=_address,
        default=DEFAULT,
        help=f"where pki serve will answer (default: {DEFAULT.base})",
    )
    add("--password-file", type=Path, help="encrypt every private key under what FILE holds")


def add_issue(commands: Subparsers) -> None:
    """Register ``pki issue``."""
    parser = _command(commands, "issue", "certify more domains and users", _ISSUE_HELP, _issue)
    parser.add_argument(
        "--password-file",
        type=Path,
        help="opens the authority's keys, as given to pki init, and encrypts the new ones",
    )


def _command(
    commands: Subparsers,
    name: str,
    summary: str,
    description: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = add_command(commands, name, summary, description, run)
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


def _address(text: str) -> Services:
    try:
        return Services.at(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def _init(args: argparse.Namespace) -> int:
    people = _people(args) or _DEFAULT_USERS
    path: Path = args.directory
    if not AuthorityFolder(path).is_free():
        print(
            f"{path}: there is something there already, and keys are not overwritten;"
            " name a new directory or empty this one, or certify more with it by pki issue",
            file=sys.stderr,
        )
        return 1
    folder = AuthorityFolder(path, password_in(args.password_file))
    try:
        with Progress(_PROGRESS) as progress:
            authority = _write_authority(folder, args)
            domains = _domains(args) or [_DEFAULT_DOMAIN]
            _certify(folder, authority, domains, people, days=args.days, progress=progress)
    except FileError as error:
        if folder.is_free():
            raise
        raise FileError(f"{error}; remove {path}, which is not complete, and try again") from None
    print(
        f"{path}: made a development authority; trust it with {path / 'truststore.pem'},"
        f" and let it answer with pki serve {path}"
    )
    return 0


def _issue(args: argparse.Namespace) -> int:
    people = _people(args)
    domains = _domains(args)
    if not domains and not people:
        args.wrong_usage("name at least one --domain, --user or --officer")
    folder = AuthorityFolder(args.directory, password_in(args.password_file))
    authority = folder.authority()
    for path in (*map(folder.domain_folder, domains), *map(folder.user_folder, people)):
        if path.exists():
            raise FileError(
                f"{path}: there already, and keys are not overwritten; choose another name,"
                " or remove it"
            )
    with Progress(_PROGRESS) as progress:
        paths = _certify(folder, authority, domains, people, days=args.days, progress=progress)
    for path in paths:
        print(path)
    return 0


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


def _write_authority(folder: AuthorityFolder, args: argparse.Namespace) -> Authority:
    now = datetime.now(UTC)

    def profile(base: Profile) -> Profile:
        return replace(base, curve=_CURVES[args.curve], family=_FAMILIES[args.family])

    authority = Authority.create(
        now=now,
        entropy=os.urandom,
        root=profile(ROOT),
        centre=profile(CENTRE),
        services=args.address,
    )
    folder.add_truststore(authority.root.leaf)
    folder.add_part(ROOT_NAME, authority.root)
    folder.add_part(CENTRE_NAME, authority.centre)
    folder.add_issued(ROOT_NAME, authority.centre.leaf)
    for name, issue_part, base in (
        (TIME_STAMPER, authority.issue_time_stamper, TIME_STAMPS),
        (RESPONDER, authority.issue_responder, STATUS_ANSWERS),
    ):
        part = issue_part(now=now, entropy=os.urandom, profile=profile(base))
        folder.add_part(name, part)
        folder.add_issued(CENTRE_NAME, part.leaf)
    api_keys = issue(None, _API_KEYS_NAME, profile(API_KEYS), now=now, entropy=os.urandom)
    folder.add_part(API_KEY_SIGNER, api_keys)
    return authority


def _certify(
    folder: AuthorityFolder,
    authority: Authority,
    domains: list[str],
    people: dict[str, Person],
    *,
    days: int | None,
    progress: Progress,
) -> list[Path]:
    """Issue and write certificates of the authority's curve and family; returns their folders."""
    now, centre = datetime.now(UTC), authority.centre
    count = len(domains) + len(people)

    def profile(base: Profile) -> Profile:
        return replace(
            base,
            curve=centre.private_key.curve,
            family=centre.leaf.family,
            days=days or base.days,
        )

    for done, name in enumerate(domains):
        progress.step(done, count)
        folder.add_domain(
            name,
            authority.issue_domain(name, now=now, entropy=os.urandom, profile=profile(DOMAIN)),
        )
    for done, (name, person) in enumerate(people.items(), len(domains)):
        progress.step(done, count)
        folder.add_user(
            name,
            authority.issue_user(person, now=now, entropy=os.urandom, profile=profile(USER)),
        )
    return [*map(folder.domain_folder, domains), *map(folder.user_folder, people)]
