"""``tunnel-gateway mobile code``: the code of a QR and a deeplink, made or checked."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from tunnel_gateway.cli import DONE, FAILED, Subparsers
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cms.frame import MAX_DOCUMENT_SIZE
from tunnel_gateway.observability.logs import escaped
from tunnel_gateway.phone.code import Code, make_code
from tunnel_gateway.phone.mistakes import find_mistakes
from tunnel_gateway.pki.files.keyfiles import read_file

_HELP: Final = """\
Print the code that a phone with an ID card signs, and its deeplink; on a terminal the QR too. The
siteId, the documentId and the challenge are in the answers of /frontend/mobile/auth and
/frontend/mobile/sign. The challenge is signed as the text that it is. Of a document (--file), the
bytes are signed, not their Base64.

With --check, look at a code or deeplink that somebody else made: exit 0 if it is right, or exit 1
and say what is wrong with it. A wrong code fails on the phone without a word. To have the hash
compared too, say what is signed: with a wrong S-box, Base64 or letters in the other case you get
the name of the mistake.

examples:
  tunnel-gateway mobile code --site 0000 --document 2944F1F2 \\
      --challenge F8D2181DC6C02EA819B88FF3EF49BE0C
  tunnel-gateway mobile code --site 0000 --document 850FF727 --file contract.pdf --qr contract.svg
  tunnel-gateway mobile code --check 'eimzo://sign?qc=00002944F1F2…' --challenge F8D2181DC6C0…
"""
_NOT_COMPARED: Final = (
    "right in its form; to have the hash compared, say what is signed with --challenge or --file"
)
_PICTURES: Final = {".svg", ".png"}
# White on black in every terminal, whatever its own colours are: the blocks are the light modules.
_ON_BLACK: Final = "\x1b[38;5;231;48;5;16m{}\x1b[0m"


def add_code(commands: Subparsers) -> None:
    """Register the command."""
    parser = add_command(
        commands, "code", "make or check the code of a QR or deeplink", _HELP, _run
    )
    parser.set_defaults(wrong_usage=parser.error)
    add = parser.add_argument
    add("--check", metavar="CODE", help="a code or deeplink to check; nothing is made")
    add("--site", metavar="ID", help="the siteId, 4 hexadecimal digits")
    add("--document", metavar="ID", help="the documentId, 8 hexadecimal digits")
    signed = parser.add_mutually_exclusive_group()
    signed.add_argument("--challenge", metavar="TEXT", help="the challenge, as it is written")
    signed.add_argument("--file", metavar="FILE", type=Path, help="the document")
    add("--qr", metavar="FILE", type=_picture, help="write the QR to FILE.svg or FILE.png too")
    add("--json", action="store_true", help="print JSON, for programs")


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix not in _PICTURES:
        raise argparse.ArgumentTypeError(f"expected FILE.svg or FILE.png, got {text!a}")
    return path


def _run(args: argparse.Namespace) -> int:
    wrong_usage: Callable[[str], NoReturn] = args.wrong_usage
    content = _content(args)
    if args.check is not None:
        if args.qr is not None:
            wrong_usage("--qr is for a new code, and --check makes none")
        return _check(args, content)
    if args.site is None or args.document is None or content is None:
        wrong_usage(
            "a new code needs --site, --document, and --challenge or --file; to look at a code"
            " that is there, give --check"
        )
    code = make_code(args.site, args.document, content)
    if args.qr is not None:
        _qr(code).save(str(args.qr), border=4, scale=8)
    if args.json:
        print(json.dumps({"code": code.text, "deeplink": code.deeplink}))
        return DONE
    print(f"code      {code.text}\ndeeplink  {code.deeplink}")
    if sys.stdout.isatty():
        _show(code)
    return DONE


def _content(args: argparse.Namespace) -> bytes | None:
    if args.file is not None:
        return read_file(args.file, limit=MAX_DOCUMENT_SIZE)
    return None if args.challenge is None else os.fsencode(args.challenge)


def _qr(code: Code) -> Any:
    import segno  # noqa: PLC0415 - only this command needs it

    # A camera may miss 15 percent of it.
    return segno.make_qr(code.text, error="m")


def _show(code: Code) -> None:
    text = io.StringIO()
    _qr(code).terminal(text, compact=True)
    try:
        text.getvalue().encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        print("this terminal cannot show the QR; write it to a file with --qr FILE.svg")
        return
    for line in text.getvalue().splitlines():
        print(_ON_BLACK.format(line))


def _check(args: argparse.Namespace, content: bytes | None) -> int:
    mistakes = find_mistakes(args.check, content, site_id=args.site, document_id=args.document)
    if args.json:
        known = [{"name": mistake.kind, "text": mistake.text} for mistake in mistakes]
        print(
            json.dumps(
                {"right": not mistakes, "hashCompared": content is not None, "mistakes": known}
            )
        )
    else:
        for mistake in mistakes:
            print(f"wrong ({mistake.kind}): {escaped(mistake.text)}", file=sys.stderr)
        if not mistakes:
            print("right" if content is not None else _NOT_COMPARED)
    return FAILED if mistakes else DONE
