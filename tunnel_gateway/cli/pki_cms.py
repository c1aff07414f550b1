"""``tunnel-gateway pki verify-cms``: check the signatures of a document, and print who signed."""

from __future__ import annotations

import argparse
import binascii
import sys
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

from tunnel_gateway.cli import Subparsers
from tunnel_gateway.cli.arguments import add_truststore, moment, password_in
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cms import frame, signed_data
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.verdicts import MessageVerdict, SignerVerdict
from tunnel_gateway.errors import CertificateError, FileError, SignedDataError
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.pki.certificates.certificate import format_time
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.kind import kind
from tunnel_gateway.pki.encoding.tags import starts_sequence
from tunnel_gateway.pki.files.keyfiles import read_file
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.plain_text import utf8

# RFC 7468, sections 8 and 9, and a label that OpenSSL also writes.
_LABELS = frozenset({"PKCS7", "CMS", "PKCS #7 SIGNED DATA"})

_HELP = """\
Check a signed document (PKCS#7, CMS) as E-IMZO makes it: exit 0 and print who signed it and when,
or exit 1 and say why it does not hold. FILE is what create_pkcs7 gave, as it is (BASE64), decoded,
or in PEM. A detached one needs its document with --content.

The signer's certificate must be valid now, or at --at TIME. With --at-signing-time it must have
been valid when the document was signed: at the time of its time stamp, or without one at the time
that the signer claims. A time stamp must be genuine, and its authority's certificate must lead to
the truststore too. Whether a certificate was revoked is not asked.

examples:
  tunnel-gateway pki verify-cms --truststore truststore.pem contract.p7
  tunnel-gateway pki verify-cms --truststore truststore.pem --content contract.pdf contract.p7
"""


def add_verify_cms(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(commands, "verify-cms", "check a signed document (PKCS#7)", _HELP, _verify)
    parser.add_argument("message", metavar="FILE", type=Path)
    parser.add_argument(
        "--content", metavar="FILE", type=Path, help="the document, if FILE is detached from it"
    )
    add_truststore(parser)
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--at", metavar="TIME", type=moment, help="ISO 8601, in UTC unless it says (default: now)"
    )
    when.add_argument(
        "--at-signing-time", action="store_true", help="the time stamp's time, or else the signer's"
    )


def _verify(args: argparse.Namespace) -> int:
    password = password_in(args.password_file)
    validator = ChainValidator(load_trust_anchors(args.truststore, password))
    data = _message(args.message)
    content = (
        None if args.content is None else read_file(args.content, limit=frame.MAX_DOCUMENT_SIZE)
    )
    now = datetime.now(UTC)
    try:
        signed = signed_data.parse_signed_data(data)
        verdict = judge(signed, document_digest(signed, content), validator, now)
        _refuse_fault(verdict)
        if not args.at_signing_time:
            _refuse_invalid(verdict, validator, args.at or now)
    except (SignedDataError, CertificateError) as reason:
        print(f"does not hold ({reason.code}): {escaped(str(reason))}", file=sys.stderr)
        return 1
    for signer in verdict.signers:
        _show(signer)
    print("holds")
    return 0


def _refuse_fault(verdict: MessageVerdict) -> None:
    """Raise the most basic fault of all signers."""
    for signer in verdict.signers:
        if signer.fault is not None and signer.failed is verdict.failed:
            raise signer.fault


def _refuse_invalid(verdict: MessageVerdict, validator: ChainValidator, at: datetime) -> None:
    """Raise CertificateError unless every signer's certificate is valid at this time too."""
    for signer in verdict.signers:
        if signer.chain is not None:
            # The anchor does not belong to the chain.
            chain = [certificate.der for certificate in signer.chain.certificates[:-1]]
            validator.verify_signer(chain, at)


def _show(signer: SignerVerdict) -> None:
    if signer.chain is None or signer.time is None:
        raise ValueError("only a signer without a fault is shown")
    print(f"signed by {escaped(signer.chain.certificate.subject)}")
    print(f"  certificate {signer.chain.certificate.serial_hex}")
    when = f"  at {format_time(signer.time)}"
    if signer.stamp is None or signer.stamp.chain is None:
        print(f"{when}, by the signer's word")
    else:
        print(f"{when}, by the time stamp of {escaped(signer.stamp.chain.certificate.subject)}")


def _message(path: Path) -> bytes:
    # BASE64 is a third longer, and has line ends.
    data = read_file(path, limit=2 * frame.MAX_SIZE)
    if starts_sequence(data) and not data.isascii():
        if other := frame.OTHER_FILES.get(kind(data)):
            raise FileError(f"{path}: {other}, and not a signed document (PKCS#7, CMS)")
        return data
    try:
        text = utf8(data).strip()
        if not text:
            raise FileError(f"{path}: it is empty")
        if pem.is_pem(data):
            return _only_block(pem.blocks(data))
        return b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as fault:
        what = "a web page (HTML or XML)" if text.startswith(b"<") else "no signed document"
        raise FileError(
            f"{path}: {what}: neither DER or BER, nor PEM, nor BASE64 ({fault})"
        ) from None
    except ValueError as fault:
        raise FileError(f"{path}: {fault}") from None


def _only_block(blocks: list[pem.Block]) -> bytes:
    if len(blocks) != 1:
        raise ValueError(
            f"{len(blocks)} PEM blocks; a signed document is one, in a file of its own"
        )
    ((label, content, line),) = blocks
    if label not in _LABELS:
        raise ValueError(
            f"line {line}: a PEM block {label}, and not a signed document (PKCS7, CMS)"
        )
    return content
