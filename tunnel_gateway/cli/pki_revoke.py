"""``tunnel-gateway pki revoke``: the development authority's revocation lists."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tunnel_gateway.cli.arguments import password_in
from tunnel_gateway.errors import FileError, RevocationDataError
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.files.keyfiles import Identity, load_certificates, load_identity
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.status.crl import RevocationList
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

_ISSUERS: Final = ("root", "centre")
_LIFE: Final = timedelta(days=30)
_HELP: Final = """\
Revoke certificates of the authority that `pki init DIR` made, and write new lists:

  DIR/crl/root.crl, centre.crl      with all earlier revocations; good for 30 days

Without a CERT the lists are only renewed. A gateway reads them with tunnel.revocation=hard and
tunnel.crl.dir=DIR/crl.

example:
  tunnel-gateway pki revoke certs/dev certs/dev/users/citizen/chain.pem
"""


def add_revoke(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "revoke",
        help="revoke certificates of a development authority",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path)
    parser.add_argument("certificates", metavar="CERT", nargs="*", type=Path)
    parser.add_argument(
        "--password-file", type=Path, help="opens the authority's keys, as given to pki init"
    )
    parser.set_defaults(run=_revoke)


def _revoke(args: argparse.Namespace) -> int:
    password = password_in(args.password_file)
    ca: Path = args.directory / "ca"
    issuers = {
        name: load_identity(ca / f"{name}.key.pem", ca / f"{name}.pem", password)
        for name in _ISSUERS
    }
    leaves = [load_certificates(path)[0] for path in args.certificates]
    for leaf, path in zip(leaves, args.certificates, strict=True):
        if not any(leaf.names(issuer.leaf) for issuer in issuers.values()):
            raise FileError(f"{path}: not issued by the authority in {args.directory}")
    for name, issuer in issuers.items():
        serials = [leaf.serial for leaf in leaves if leaf.names(issuer.leaf)]
        path = args.directory / "crl" / f"{name}.crl"
        count = _write(path, issuer, serials)
        print(f"{path}: {count} revoked")
    return 0


def _write(path: Path, issuer: Identity, serials: list[int]) -> int:
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        path.parent.mkdir(exist_ok=True)
        known = RevocationList(path.read_bytes()).entries() if path.exists() else {}
        revoked = dict.fromkeys(serials, RevokedInfo(now, None)) | known
        data = issue_list(
            issuer, revoked, this_update=now, next_update=now + _LIFE, entropy=os.urandom
        )
        draft = path.with_name(f".{path.name}")
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as fault:
        raise FileError(f"{path}: {sentence(fault)}") from fault
    except RevocationDataError as fault:
        raise FileError(f"{path}: {fault}; move it away to begin a new list") from fault
    return len(revoked)
