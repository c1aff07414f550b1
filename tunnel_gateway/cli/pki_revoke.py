"""``tunnel-gateway pki revoke``: the development authority's revocation lists."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tunnel_gateway.centre.authority_folder import ISSUERS, AuthorityFolder
from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.arguments import password_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.status.revoked_info import HOLD, REASONS, RevokedInfo

# The reasons of RFC 5280 that are about the certificate of a user or a centre.
_REASONS: Final = [
    word for word in REASONS if word not in (None, HOLD, "unspecified", "removeFromCRL")
]
_HELP: Final = """\
Revoke certificates of the authority that `pki init DIR` made, and write new lists:

  DIR/crl/root.crl, centre.crl      with all earlier revocations; good for 30 days

A running "pki serve DIR" tells it at once. A gateway can also read the lists, with
tunnel.revocation=hard and tunnel.crl.dir=DIR/crl. Without a CERT the lists are only renewed.

A revocation is for good and stays as it is. --hold only suspends the certificates: --release makes
them good again, and another revocation takes the place of the suspension.

examples:
  tunnel-gateway pki revoke certs/dev certs/dev/users/citizen/chain.pem
  tunnel-gateway pki revoke certs/dev certs/dev/users/citizen/chain.pem --reason keyCompromise
  tunnel-gateway pki revoke certs/dev certs/dev/users/officer/chain.pem --hold
  tunnel-gateway pki revoke certs/dev certs/dev/users/officer/chain.pem --release
"""


def add_revoke(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        commands, "revoke", "revoke certificates of a development authority", _HELP, _revoke
    )
    parser.add_argument("directory", metavar="DIR", type=Path)
    parser.add_argument("certificates", metavar="CERT", nargs="*", type=Path)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--reason", choices=_REASONS, metavar="WORD", help=f"one of {', '.join(_REASONS)}"
    )
    kind.add_argument("--hold", action="store_true", help=f"suspend them ({HOLD})")
    kind.add_argument("--release", action="store_true", help="end their suspension")
    parser.add_argument(
        "--password-file", type=Path, help="opens the authority's keys, as given to pki init"
    )


def _revoke(args: argparse.Namespace) -> int:
    folder = AuthorityFolder(args.directory, password_in(args.password_file))
    issuers = {name: folder.identity(name) for name in ISSUERS}
    leaves = {path: load_certificates(path)[0] for path in args.certificates}
    for path, leaf in leaves.items():
        if not any(leaf.names(issuer.leaf) for issuer in issuers.values()):
            raise FileError(f"{path}: not issued by the authority in {args.directory}")
    now = datetime.now(UTC).replace(microsecond=0)
    lists = {}
    for name, issuer in issuers.items():
        own = {path: leaf for path, leaf in leaves.items() if leaf.names(issuer.leaf)}
        known = folder.revocations(name)
        if args.release:
            lists[name] = _released(known, own)
        else:
            info = RevokedInfo(now, HOLD if args.hold else args.reason)
            lists[name] = _revoked(known, own, info)
    for name, revoked in lists.items():
        folder.write_list(name, issuers[name], revoked, now)
        print(f"{folder.list_path(name)}: {len(revoked)} revoked")
    return 0


def _revoked(
    known: Mapping[int, RevokedInfo], leaves: Mapping[Path, Certificate], info: RevokedInfo
) -> dict[int, RevokedInfo]:
    for_good = {serial for serial, earlier in known.items() if earlier.reason != HOLD}
    new = {leaf.serial for leaf in leaves.values()} - for_good
    return {**known, **dict.fromkeys(sorted(new), info)}


def _released(
    known: Mapping[int, RevokedInfo], leaves: Mapping[Path, Certificate]
) -> dict[int, RevokedInfo]:
    left = dict(known)
    for path, leaf in leaves.items():
        earlier = left.pop(leaf.serial, None)
        if earlier is None or earlier.reason != HOLD:
            what = "not revoked" if earlier is None else f"revoked for good {earlier.text}"
            raise FileError(f"{path}: {what}; --release ends only a suspension by --hold")
    return left
