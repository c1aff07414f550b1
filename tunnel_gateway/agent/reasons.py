"""Why the agent refuses a call: every code word, and the text that pages get.

The word is stable, so a page can decide by it. The text is for the page's developer and says what
to do. There are more words: a refusal of the gateway has the name of the gateway's alert. If the
gateway's certificate is not accepted, or the gateway cannot be reached, the word is the code of the
error (errors.py).

Pages that were written for E-IMZO compare three of these texts, so these texts have the vendor's
words: the key is not found, the user has cancelled, and a wrong password is a BadPaddingException.
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
        "busy": "the agent is asking for a password already, or the user has cancelled too often;"
        " try later",
        "cannot_ask": "the agent has no way to ask for a password; see its log",
        "key_unusable": "the file of the key is damaged or not of a kind that E-IMZO makes",
        "file_not_found": "no such key file on this disk; list the certificates again",
        "disk_not_found": "no such disk; list the disks again",
        "disk_silent": "this disk does not answer: take the stick out and put it in again, or bring"
        " its network share back; the other disks go on",
        "too_many_keys": "too many keys are loaded; unload some",
        "not_base64": "the data must be in BASE64",
        "too_large": "the data is larger than the agent signs",
        "bad_detached": "detached must be 'yes', 'no' or empty",
        "bad_certificate": "not a certificate that this agent can read",
        "bad_arguments": "the arguments must be text: {expected}",
        "bad_call": "the call cannot be read: {fault}",
        "unknown_function": "there is no such function; call apidoc for a list",
        "origin_required": "only pages at http:// and https:// addresses may call this; browsers"
        " send no address for files and sandboxed frames",
        "https_required": "{origin} is plain http, so anybody on the way could pose as this page:"
        " serve it by https; plain http is only for pages of localhost, or if the agent's settings"
        " have agent.http.pages=yes",
        "api_key_required": "no API-KEY was installed for {domain}: call apikey first, with the"
        " key that was issued for this domain",
        "api_key_missing": "the list holds no API-KEY for {domain}, the host in the page's address",
        "api_key_invalid": "the API-KEY for {domain} is not valid: no issuer that this agent knows"
        " has signed it",
        "too_many_sockets": "this page has {limit} sockets open already: close each after its"
        " answer",
        "too_many_tunnels": "too many tunnels are open or wait for their page: close some",
        "no_gateway": "the agent does not know the gateway of {domain}: add the line"
        " agent.tunnel.{domain}=HOST:PORT to its settings, or -tunnel.{hex}=IP:PORT to the"
        " arguments in run.conf",
        "no_truststore": "the agent does not know which certificates of domains to trust: add the"
        " line agent.truststore.file=FILE to its settings",
        "bad_destination": "dst_id must be text of 1 to 255 bytes",
        "shutting_down": "the agent is stopping",
        "internal_error": "the agent failed; its log says why",
    }
)


def refused(word: str, **facts: object) -> CallRefusedError:
    """Return the refusal with this code word, to be raised. The ``facts`` go into the text."""
    return CallRefusedError(word, REASONS[word].format(**facts))
