"""Why a call with a key is refused: every code word, and the text that pages get.

Pages that were written for E-IMZO compare three of these texts, so those are the vendor's words:
that a key is not found, that the user cancelled, and that a wrong password is a
BadPaddingException.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.errors import CallRefusedError

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "key_not_found": "Ключ по идентификатору не найден",
        "cancelled": "Ввод пароля отменен",
        "wrong_password": "BadPaddingException: wrong password three times; load the key again",
        "password_timeout": "nobody entered the password in time",
        "busy": "a password is being asked for already, or was refused too often; try later",
        "cannot_ask": "the agent has no way to ask for a password; see its log",
        "key_unusable": "the file of the key is damaged or not of a kind that E-IMZO makes",
        "file_not_found": "no such key file on this disk; list the certificates again",
        "disk_not_found": "no such disk; list the disks again",
        "too_many_keys": "too many keys are loaded; unload some",
        "not_base64": "the data must be in BASE64",
        "too_large": "the data is larger than the agent signs",
        "bad_detached": "detached must be 'yes', 'no' or empty",
        "bad_certificate": "not a certificate that this agent can read",
    }
)


def refused(word: str) -> CallRefusedError:
    """Return the refusal with this code word, to be raised."""
    return CallRefusedError(word, REASONS[word])
