"""Why the agent refuses a call: every code word, with the text and the number that pages get.

The word is stable, so a page can decide by it. The text is for the page's developer and says what
to do. There are more words: a refusal of the gateway has the name of the gateway's alert. If the
gateway's certificate is not accepted, or the gateway cannot be reached, the word is the code of the
error (errors.py).

Pages that were written for E-IMZO compare some of these texts, or look for a part of them. So the
Russian texts here are the vendor's words, and a wrong password is a BadPaddingException. The
numbers are those of E-IMZO 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.errors import CallRefusedError

_NO_FUNCTION: Final = "Функция не найдена или версия E-IMZO устарела. Обновите E-IMZO."

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "key_not_found": "Ключ по идентификатору не найден",
        "key_id_unsuitable": "Несоответствующий ключу идентификатор",
        "cancelled": "Ввод пароля отменен",
        "wrong_password": "BadPaddingException: wrong password three times; load the key again",
        "password_timeout": "Операция отменена",
        "busy": "the agent is asking for a password already, or the user has cancelled too often;"
        " try later",
        "cannot_ask": "the agent has no way to ask for a password; see its log",
        "key_unusable": "the file of the key is damaged or not of a kind that E-IMZO makes",
        "file_not_found": "no such key file on this disk; list the certificates again",
        "disk_not_found": "Диск не найден",
        "disk_silent": "this disk does not answer: take the stick out and put it in again, or bring"
        " its network share back; the other disks go on",
        "too_many_keys": "too many keys are loaded; unload some",
        "not_base64": "the data must be in BASE64",
        "too_large": "the data is larger than the agent signs",
        "bad_detached": "detached must be 'yes', 'no' or empty",
        "bad_certificate": "not a certificate that this agent can read",
        "bad_message": "not a signed message that this agent can use: {fault}",
        "wrong_document": "the message is a signature of another document",
        "not_valid": "the message is not valid: {fault}",
        "no_such_signer": "nobody with this serial number has signed the message",
        "bad_time_stamp": "the time stamp cannot be used: {fault}",
        "bad_signature_hex": "the signature must be in hexadecimal digits",
        "bad_request": "not a request for a certificate that this agent can read",
        "bad_name": "the name cannot be read: {fault}",
        "bad_policy": "cp_list must be identifiers of policies, with commas between",
        "bad_language": "the language must be uz or ru",
        "bad_arguments": f"{_NO_FUNCTION} The arguments must be text: {{expected}}",
        "bad_call": "the call cannot be read: {fault}",
        "unknown_function": _NO_FUNCTION,
        "origin_required": "Не удалось идентифицировать домен.",
        "https_required": "{origin} is plain http, so anybody on the way could pose as this page:"
        " serve it by https; plain http is only for pages of localhost, or if the agent's settings"
        " have agent.http.pages=yes",
        "api_key_required": "no API-KEY was installed for {domain}: call apikey first, with the"
        " key that was issued for this domain",
        "api_key_missing": "the list holds no API-KEY for {domain}, the host in the page's address",
        "api_key_invalid": "API-key для домена {domain} недействителен.",
        "too_many_sockets": "this page has {limit} sockets open already: close each after its"
        " answer",
        "too_many_tunnels": "too many tunnels are open or wait for their page: close some",
        "no_gateway": "the agent does not know the gateway of {domain}: add the line"
        " agent.tunnel.{domain}=HOST:PORT to its settings, or -tunnel.{hex}=IP:PORT to the"
        " arguments in run.conf",
        "no_truststore": "the agent does not know which certificates to trust: add the"
        " line agent.truststore.file=FILE to its settings",
        "bad_destination": "dst_id must be text of 1 to 255 bytes",
        "shutting_down": "the agent is stopping",
        "internal_error": "the agent failed; its log says why",
    }
)

SUCCESS: Final = 1
_OTHER: Final = -9999
_NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "unknown_function": 0,
        "bad_arguments": 0,
        "key_not_found": -1010,
        "bad_language": -1005,
        "key_id_unsuitable": -1015,
        "api_key_missing": -1020,
        "api_key_invalid": -1020,
        "origin_required": -1021,
        "api_key_required": -1022,
        "https_required": -1022,
        "bad_request": -1028,
        "disk_not_found": -2011,
        "disk_silent": -2011,
        "bad_policy": -2023,
        "busy": -3000,
        "cancelled": -5000,
        "password_timeout": -5001,
    }
)


def number_of(word: str) -> int:
    """Return the number that E-IMZO 6 has for this refusal; -9999 for a refusal without one."""
    return _NUMBERS.get(word, _OTHER)


def refused(word: str, **facts: object) -> CallRefusedError:
    """Return the refusal with this code word, to be raised. The ``facts`` go into the text."""
    return CallRefusedError(word, REASONS[word].format(**facts))
