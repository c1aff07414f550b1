"""``tunnel-gateway pki``: make a development authority, show and verify certificates."""

from __future__ import annotations

import argparse
import json
import os
import sys
from base64 import b32encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tunnel_gateway.cli.arguments import domain, moment
from tunnel_gateway.cli.facts import facts, plain, text
from tunnel_gateway.cli.pki_apikey import add_apikey
from tunnel_gateway.cli.pki_cms import add_verify_cms
from tunnel_gateway.cli.pki_revoke import add_revoke
from tunnel_gateway.errors import CertificateError, FileError
from tunnel_gateway.gost.curves import CURVES
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.pki import pbe
from tunnel_gateway.pki.alias import make_alias
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
from tunnel_gateway.pki.certificate import format_time, to_pem
from tunnel_gateway.pki.keyfiles import (
    PASSWORD_SUFFIX,
    Identity,
    identity_to_pfx,
    load_certificates,
    private_key_to_encrypted_pem,
    private_key_to_pem,
    read_password,
)
from tunnel_gateway.pki.oids import FAMILIES
from tunnel_gateway.pki.truststore import load_trust_anchors
from tunnel_gateway.pki.validation import ChainValidator

_CURVES: Final = {curve.name[-1]: curve for curve in CURVES}
_FAMILIES: Final = dict(zip(("2009", "2024"), FAMILIES, strict=True))
_DEFAULT_DOMAIN: Final = "example.uz"
# 160 bits drawn by lot: stretching them would only cost time. OpenSSL's own number.
_ROUNDS_FOR_A_DRAWN_PASSWORD: Final = 2048
# Of Linux, for one part of a path.
_MAX_FILE_NAME: Final = 255
_API_KEYS: Final = [("CN", "Development API-KEYs"), ("O", "tunnel-gateway"), ("C", "UZ")]
# Made-up numbers: no one was born in a month 00.
_DEFAULT_USERS: Final = {
    "citizen": Person("G‘ANIYEV O‘KTAM", pinfl="10000000000001", uid="400000001"),
    "officer": Person(
        "TO‘LAGANOVA OYGUL",
        pinfl="10000000000002",
        uid="400000002",
        inn="300000001",
        organisation="“NAMUNA” MCHJ",
    ),
}

_INIT_HELP: Final = """\
Make an authority for development and tests, and write into DIR, which must be new or empty:

  truststore.pem                    the root
  ca/root.pem, centre.pem           the authority's certificates, and .key.pem beside them
  ca/api-keys.pem                   whose key signs what pki apikey prints, for pages
  servers/DOMAIN/chain.pem, key.pem a certificate for each --domain
  users/NAME/chain.pem, key.pem     a certificate for each --user
  users/NAME/user.pfx               the same as a PFX, the form of E-IMZO, and in
             user.pfx.password      its password, unless --password-file has it

Private keys and passwords are readable by their owner only. Nobody trusts this authority but
programs that are given its truststore: do not use it for anything real.

example:
  tunnel-gateway pki init certs/dev --domain example.uz --user Gulnora
"""
_SHOW_HELP: Final = """\
Show what certificates say: PEM, also with several certificates, or DER. The lines that begin
with "rule" are values for tunnel.destination.N.allow.* and deny.*; those of an issuer, and of a
serial number of that issuer, are there when the issuer's certificate is among those shown.

examples:
  tunnel-gateway pki show servers/example.uz/chain.pem
  tunnel-gateway pki show user.cer centre.cer
  tunnel-gateway pki show --json user.cer | jq '.[0].pinfl'
"""
_VERIFY_HELP: Final = """\
Check a certificate as a tunnel does, without looking for revocation: exit 0 and print the path
to the trust anchor, or exit 1 and say why not. CERT may be a whole chain, its owner's
certificate first. With --domain it must be that domain's; otherwise it must be a user's.

examples:
  tunnel-gateway pki verify --truststore truststore.pem users/citizen/chain.pem
  tunnel-gateway pki verify --truststore truststore.jks --password-file jks.password \\
      --domain example.uz --at 2026-03-01T12:00:00+05:00 example.uz.cer centre.cer
"""


def add_parser(subparsers: Any) -> None:
    """Register ``pki`` with its sub-commands; each sets ``run``, which returns the exit code."""
    parser = subparsers.add_parser(
        "pki", help="development authority; show and verify certificates"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_init(commands)
    _add_show(commands)
    _add_verify(commands)
    add_verify_cms(commands)
    add_revoke(commands)
    add_apikey(commands)


def _add_command(commands: Any, name: str, summary: str, description: str) -> Any:
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_init(commands: Any) -> None:
    parser = _add_command(commands, "init", "make a development authority", _INIT_HELP)
    parser.add_argument("directory", metavar="DIR", type=Path)
    parser.add_argument(
        "--domain",
        dest="domains",
        metavar="NAME",
        action="append",
        type=domain,
        help=f"a domain to certify; may be repeated (default: {_DEFAULT_DOMAIN})",
    )
    parser.add_argument(
        "--user",
        dest="users",
        metavar="NAME",
        action="append",
        type=_user,
        help="a person to certify, with numbers drawn by lot; may be repeated (default: citizen,"
        " a natural person, and officer, who acts for a legal entity)",
    )
    parser.add_argument("--curve", choices=_CURVES, default="A", help="of all keys (default: A)")
    parser.add_argument(
        "--family", choices=_FAMILIES, default="2009", help="of the standards (default: 2009)"
    )
    parser.add_argument(
        "--days",
        type=_days,
        help="how long domains and users are certified (default: two years)",
    )
    parser.add_argument(
        "--password-file", type=Path, help="encrypt every private key under what FILE holds"
    )
    parser.set_defaults(run=_init)


def _add_show(commands: Any) -> None:
    parser = _add_command(commands, "show", "show what a certificate says", _SHOW_HELP)
    parser.add_argument("certificates", metavar="CERT", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="print a JSON list, for programs")
    parser.set_defaults(run=_show)


def _add_verify(commands: Any) -> None:
    parser = _add_command(commands, "verify", "check a certificate as a tunnel does", _VERIFY_HELP)
    parser.add_argument("--truststore", type=Path, required=True, help="PEM, PKCS#12 or JKS")
    parser.add_argument(
        "--password-file", type=Path, help="holds the truststore's password, mode 0600"
    )
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="ISO 8601, in UTC unless it says (default: now)"
    )
    parser.add_argument("--domain", metavar="NAME", type=domain, help="the domain it must be for")
    parser.add_argument("certificate", metavar="CERT", type=Path)
    parser.add_argument("intermediates", metavar="INTERMEDIATE", nargs="*", type=Path)
    parser.set_defaults(run=_verify)


def _user(text: str) -> str:
    if not text.isprintable() or not text.strip() or text.startswith(".") or os.sep in text:
        raise argparse.ArgumentTypeError(f"not usable as a name and as a folder: {text!a}")
    if len(os.fsencode(text)) > _MAX_FILE_NAME:
        raise argparse.ArgumentTypeError(f"over {_MAX_FILE_NAME} bytes, too long for a folder")
    return text


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= ROOT.days:
        raise argparse.ArgumentTypeError(f"not a number of days from 1 to {ROOT.days}: {text!a}")
    return int(text)


def _password(args: argparse.Namespace) -> bytes | None:
    return None if args.password_file is None else read_password(args.password_file)


def _init(args: argparse.Namespace) -> int:
    folder: Path = args.directory
    if not _is_free(folder):
        print(
            f"{folder}: there is something there already, and keys are not overwritten;"
            " name a new directory or empty this one",
            file=sys.stderr,
        )
        return 1
    writer = _Writer(folder, _password(args))
    try:
        _write_authority(writer, args)
    except FileError as error:
        if _is_free(folder):
            raise
        raise FileError(f"{error}; remove {folder}, which is not complete, and try again") from None
    print(f"{folder}: made a development authority; trust it with {folder / 'truststore.pem'}")
    return 0


def _is_free(folder: Path) -> bool:
    try:
        return not folder.exists() or not any(folder.iterdir())
    except OSError as fault:
        raise FileError(f"{folder}: {fault.strerror}") from fault


def _write_authority(writer: _Writer, args: argparse.Namespace) -> None:
    now = datetime.now(UTC)

    def profile(base: Profile, days: int | None = None) -> Profile:
        return replace(
            base,
            curve=_CURVES[args.curve],
            family=_FAMILIES[args.family],
            days=days or base.days,
        )

    authority = Authority.create(
        now=now, entropy=os.urandom, root=profile(ROOT), centre=profile(CENTRE)
    )
    writer.write("truststore.pem", to_pem([authority.root.leaf]), 0o644)
    writer.identity(authority.root, "ca/root.pem", "ca/root.key.pem")
    writer.identity(authority.centre, "ca/centre.pem", "ca/centre.key.pem")
    api_keys = issue(None, _API_KEYS, profile(API_KEYS), now=now, entropy=os.urandom)
    writer.identity(api_keys, "ca/api-keys.pem", "ca/api-keys.key.pem")
    for name in dict.fromkeys(args.domains or [_DEFAULT_DOMAIN]):
        identity = authority.issue_domain(
            name, now=now, entropy=os.urandom, profile=profile(DOMAIN, args.days)
        )
        writer.identity(identity, f"servers/{name}/chain.pem", f"servers/{name}/key.pem")
    for name, person in _people(args.users).items():
        identity = authority.issue_user(
            person, now=now, entropy=os.urandom, profile=profile(USER, args.days)
        )
        writer.identity(identity, f"users/{name}/chain.pem", f"users/{name}/key.pem")
        writer.pfx(identity, f"users/{name}/user.pfx", make_alias(identity.leaf))


def _people(names: list[str] | None) -> dict[str, Person]:
    if not names:
        return _DEFAULT_USERS
    return {
        name: Person(name, pinfl=f"1{_digits(13)}", uid=f"4{_digits(8)}")
        for name in dict.fromkeys(names)
    }


def _digits(count: int) -> str:
    return f"{int.from_bytes(os.urandom(16), 'big') % 10**count:0{count}}"


@dataclass(frozen=True)
class _Writer:
    """Writes files under a folder, never over one that is there."""

    folder: Path
    password: bytes | None

    def write(self, name: str, data: bytes, mode: int) -> None:
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Private from the first moment, and not only once it is written.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(data)
        except OSError as fault:
            raise FileError(f"{path}: {fault.strerror}") from fault

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


def _show(args: argparse.Namespace) -> int:
    certificates = [one for path in args.certificates for one in load_certificates(path)]
    if args.json:
        print(_json([*map(plain, facts(certificates))]))
    else:
        print("\n\n".join(map(text, facts(certificates))))
    return 0


def _json(known: list[dict[str, Any]]) -> str:
    """JSON with letters as letters where the output can hold them.

    What would move or hide text on a terminal is escaped.
    """
    written = json.dumps(known, ensure_ascii=sys.stdout.encoding.lower() != "utf-8", indent=2)
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in written
    )


def _verify(args: argparse.Namespace) -> int:
    anchors = load_trust_anchors(args.truststore, _password(args))
    files = [args.certificate, *args.intermediates]
    chain = [one.der for path in files for one in load_certificates(path)]
    at = args.at or datetime.now(UTC)
    validator = ChainValidator(anchors)
    try:
        if args.domain is None:
            peer = validator.verify_client(chain, at)
        else:
            peer = validator.verify_server(chain, at, args.domain)
    except CertificateError as reason:
        print(f"not accepted ({reason.code}): {escaped(str(reason))}", file=sys.stderr)
        return 1
    for certificate in peer.path:
        print(f"{certificate.serial_hex:<18} {escaped(certificate.subject)}")
    print(f"accepted; the path is valid until {format_time(peer.valid_until)}")
    return 0
