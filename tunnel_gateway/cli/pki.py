"""``tunnel-gateway pki``: show and verify certificates; its other commands are files beside."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.arguments import add_truststore, domain, moment, password_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.facts import facts, plain, text
from tunnel_gateway.cli.pki_apikey import add_apikey
from tunnel_gateway.cli.pki_cms import add_verify_cms
from tunnel_gateway.cli.pki_init import add_init, add_issue
from tunnel_gateway.cli.pki_revoke import add_revoke
from tunnel_gateway.cli.pki_serve import add_serve
from tunnel_gateway.cli.pki_sign import add_sign_cms
from tunnel_gateway.errors import CertificateError
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.pki.certificates.certificate import format_time
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator

_SHOW_HELP: Final = """\
Show the contents of certificates: PEM, also with several certificates, or DER. The lines that begin
with "rule" are values for tunnel.destination.N.allow.* and deny.*. To get the rules with an issuer,
give the certificate of the issuer too.

examples:
  tunnel-gateway pki show servers/example.uz/chain.pem
  tunnel-gateway pki show user.cer centre.cer
  tunnel-gateway pki show --json user.cer | jq '.[0].pinfl'
"""
_VERIFY_HELP: Final = """\
Check a certificate as a tunnel does, but not whether it is revoked: exit 0 and print the path to
the trust anchor, or exit 1 and say why not. CERT may be a whole chain, the owner's certificate
first. With --domain it must be the certificate of that domain; otherwise it must belong to a user
or to a centre. For a centre the output says whether its path leads to the truststore.

examples:
  tunnel-gateway pki verify --truststore truststore.pem users/citizen/chain.pem
  tunnel-gateway pki verify --truststore truststore.jks --password-file jks.password \\
      --domain example.uz --at 2026-03-01T12:00:00+05:00 example.uz.cer centre.cer
"""


def add_parser(subparsers: Subparsers) -> None:
    """Register ``pki`` with its sub-commands; each sets ``run``, which returns the exit code."""
    parser = subparsers.add_parser(
        "pki", help="development authority; show and verify certificates"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_init(commands)
    add_issue(commands)
    _add_show(commands)
    _add_verify(commands)
    add_sign_cms(commands)
    add_verify_cms(commands)
    add_revoke(commands)
    add_serve(commands)
    add_apikey(commands)


def _add_show(commands: Subparsers) -> None:
    parser = add_command(commands, "show", "show what a certificate says", _SHOW_HELP, _show)
    parser.add_argument("certificates", metavar="CERT", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="print a JSON list, for programs")


def _add_verify(commands: Subparsers) -> None:
    summary = "check a certificate as a tunnel does"
    parser = add_command(commands, "verify", summary, _VERIFY_HELP, _verify)
    add_truststore(parser)
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="ISO 8601, in UTC unless it says (default: now)"
    )
    parser.add_argument("--domain", metavar="NAME", type=domain, help="the domain it must be for")
    parser.add_argument("certificate", metavar="CERT", type=Path)
    parser.add_argument("intermediates", metavar="INTERMEDIATE", nargs="*", type=Path)


def _show(args: argparse.Namespace) -> int:
    certificates = [
        certificate for path in args.certificates for certificate in load_certificates(path)
    ]
    if args.json:
        print(_json([*map(plain, facts(certificates))]))
    else:
        print("\n\n".join(map(text, facts(certificates))))
    return 0


def _json(known: list[dict[str, Any]]) -> str:
    """Return JSON, with letters as letters if the output can hold them.

    Characters that would move or hide text on a terminal are escaped.
    """
    written = json.dumps(known, ensure_ascii=sys.stdout.encoding.lower() != "utf-8", indent=2)
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in written
    )


def _verify(args: argparse.Namespace) -> int:
    anchors = load_trust_anchors(args.truststore, password_in(args.password_file))
    files = [args.certificate, *args.intermediates]
    certificates = [certificate for path in files for certificate in load_certificates(path)]
    chain = [certificate.der for certificate in certificates]
    at = args.at or datetime.now(UTC)
    validator = ChainValidator(anchors)
    try:
        if args.domain is not None:
            peer = validator.verify_server(chain, at, args.domain)
        elif certificates[0].is_ca:
            peer = validator.verify_centre(chain, at)
        else:
            peer = validator.verify_client(chain, at)
    except CertificateError as reason:
        print(f"not accepted ({reason.code}): {escaped(str(reason))}", file=sys.stderr)
        return 1
    for certificate in peer.path:
        print(f"{certificate.serial_hex:<18} {escaped(certificate.subject)}")
    whose = " as a centre, not as a user" if peer.leaf.is_ca and not args.domain else ""
    known = "; it is a trust anchor already" if peer.leaf in anchors else ""
    print(f"accepted{whose}; the path is valid until {format_time(peer.valid_until)}{known}")
    return 0
