"""Arguments of several commands, turned from text into the values that the commands need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Final

from tunnel_gateway.pki.certificates.names import normalise_domain
from tunnel_gateway.pki.files.keyfiles import (
    Identity,
    is_encrypted,
    load_identity,
    password_beside,
    read_password,
)

DEFAULT_CONFIG: Final = Path("/etc/tunnel-gateway/config.properties")


def add_config(
    add_argument: Callable[..., object], what: str = "the gateway's configuration"
) -> None:
    """Add ``--config``, which has the same default everywhere, to a parser or a group."""
    add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help=f"{what} (default: %(default)s)",
    )


def add_truststore(parser: argparse.ArgumentParser) -> None:
    """Add ``--truststore`` and the ``--password-file`` that opens it."""
    parser.add_argument("--truststore", type=Path, required=True, help="PEM, PKCS#12 or JKS")
    parser.add_argument(
        "--password-file", type=Path, help="holds the truststore's password, mode 0600"
    )


def add_key(parser: argparse.ArgumentParser) -> None:
    """Add what names a user's key: ``--key``, ``--cert``, ``--alias``, ``--password-file``."""
    add = parser.add_argument
    add("--key", required=True, type=Path, metavar="FILE", help="the user's key: PFX or PEM")
    add(
        "--cert",
        type=Path,
        metavar="FILE",
        help="the user's chain in PEM, leaf first, if it is not in the file of the key",
    )
    add("--alias", metavar="NAME", help="which key of a PFX with several (its friendlyName)")
    add(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="holds the key's password, mode 0600",
    )


def identity_in(arguments: argparse.Namespace) -> Identity:
    """Return the key that the arguments of ``add_key`` name, with its chain; raises FileError.

    Without ``--password-file``, the password is in a file beside the key, or the terminal is asked.
    """
    key = arguments.key
    password = password_in(arguments.password_file) or password_beside(key)
    if password is None and sys.stdin.isatty() and is_encrypted(key):
        password = getpass(f"Password of {key}: ").encode()
    return load_identity(key, arguments.cert, password, arguments.alias)


def password_in(path: Path | None) -> bytes | None:
    """Return the password in a ``--password-file``, None without one; raises FileError."""
    return None if path is None else read_password(path)


def domain(text: str) -> str:
    """Return a domain as lower-case A-labels; raises argparse.ArgumentTypeError."""
    try:
        return normalise_domain(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def moment(text: str) -> datetime:
    """Return an ISO 8601 time in UTC; a time without a zone is in UTC.

    Raises argparse.ArgumentTypeError, also for a time whose year in UTC is not from 1 to 9999.
    """
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as fault:
        raise argparse.ArgumentTypeError(
            f"not a time like 2026-03-01T12:00:00+05:00: {text!a}"
        ) from fault
