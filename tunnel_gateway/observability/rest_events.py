"""Every line that the REST service logs; event_table.py says what a row means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.observability.event_table import Event

_CALL: Final = ("path", "status", "client", "host", "seconds", "bytes")
_DEBUG, _INFO, _WARNING, _ERROR = ("debug",), ("info",), ("warning",), ("error",)

# fmt: off
REST_EVENTS: Final[tuple[Event, ...]] = (
    Event("rest_listening", _INFO, ("address", "trust_anchors"), ("socket",),
        "the REST service accepts connections",
        "check the address"),
    Event("keys_not_used", _WARNING, ("keys",), (),
        "the configuration has keys of the vendor that mean nothing here: one line at the start",
        "nothing, or remove the keys; `keys` has what takes the place of each"),
    Event("proxies_may_call_backend", _WARNING, ("proxies",), (),
        "`frontend.proxies` is set and `backend.from` is not, and its default has these proxies"
        " too: one line at the start. If such a proxy passes `/backend` on, anyone may call it",
        "set `backend.from` to the address of the application. Add the address of the proxy if the"
        " application calls through it"),
    Event("call_answered", ("info", "debug"), _CALL, ("reason", "detail"),
        "a call got an answer with HTTP 200: one line for each call. The level is debug for"
        " `/ping`, `/info` and `/frontend/challenge`, for pages that wait for a phone, and for"
        " sign-ins, verifications and uploads, which have a line of their own",
        "nothing; if the status is not 1, `reason` and `detail` say why"),
    Event("call_refused", _WARNING, _CALL, ("reason", "detail", "untold"),
        "a call got an answer with another HTTP code: `status` is minus this code. Or the service"
        " could not do it, for which methods for phones have HTTP 200. There are at most 30 lines a"
        " minute",
        "look at `reason` and `detail`. They are in the answer too, except for the address of"
        " `tsp.url` and the words of that authority: users must not see them"),
    Event("call_failed", _ERROR, ("path", "detail"), ("exception",),
        "a fault of this program, with its traceback. Only this one call failed, with HTTP 500",
        "report it"),
    Event("sign_in", _INFO, ("client", "host", "verdict"), ("user", "serial", "issuer", "detail"),
        "a user signed in, or was refused: one line for each call of `/backend/auth`, or of"
        " `/backend/mobile/authenticate` once the phone has signed. The line names the user if"
        " their signature is right and their certificate is trusted",
        "nothing, except for `status_unknown`: look at the sources of statuses"),
    Event("verification", _INFO, ("client", "host", "path", "verdict"),
        ("digest", "signers", "user", "serial", "issuer", "detail"),
        "a document was verified: one line for each document. `user` is the first signer; the audit"
        " file has all signers",
        "nothing, except for `status_unknown`: look at the sources of statuses"),
    Event("mobile_upload", _INFO, ("client", "document_id"),
        ("phone", "user", "serial", "issuer"),
        "the vendor's system has uploaded the signature of a phone, and it is kept"),
    Event("mobile_upload_refused", _WARNING, ("client", "document_id", "reason"),
        ("phone", "serial", "detail", "user", "issuer", "untold"),
        "an upload for a phone was not kept. The caller is told nothing more. There are at most 30"
        " lines a minute",
        "nothing for single ones: phones come too late, and strangers guess. If every upload is"
        " refused, `detail` has the cause: the truststore, the clock, or the code that the page"
        " makes (`tunnel-gateway mobile code --check`)"),
    Event("challenges_away", _ERROR, ("detail",), (),
        "the Redis of the challenges does not answer in time: nobody can sign in, and `/readyz`"
        " says so. There is one line until it answers again",
        "look at that Redis; the keys that begin with `cache.redis` have its address and the time"
        " that it gets. It must be Redis 6.2 or newer"),
    Event("challenges_shared", _INFO, (), (),
        "the Redis of the challenges answers: servers that use the same one accept each other's"
        " challenges"),
    Event("mobile_documents_away", _ERROR, ("detail",), (),
        "the Redis of the documents for phones does not answer in time: nobody can sign with a"
        " phone, and `/readyz` has a warning. There is one line until it answers again",
        "look at that Redis; the keys that begin with `mobile.storage.redis` have its address. It"
        " must allow scripts (EVAL)"),
    Event("mobile_documents_shared", _INFO, (), (),
        "the Redis of the documents for phones answers: servers that use the same one share them"),
    Event("mobile_document_damaged", _WARNING, ("document_id", "detail"), ("untold",),
        "the Redis has a record of a document for phones that no server has written; the document"
        " counts as unknown. There are at most 30 lines a minute",
        "look who else can write into that Redis"),
)

REST_KEYS: Final[Mapping[str, str]] = MappingProxyType({
    "address": "where the service listens",
    "bytes": "the size of the document and the message, without the Base64",
    "client": "the address of the user: the one at the other end of the connection, or the one"
        " that a proxy of `frontend.proxies` or the application has told",
    "detail": "which certificate, part or setting it is about",
    "digest": "the digest of the document (GOST R 34.11-94) in hexadecimal",
    "document_id": "the id under which a document waits for a phone",
    "exception": "the traceback",
    "host": "the Host header of the request; anything can stand there",
    "issuer": "the issuer in the certificate of the user",
    "keys": "each key, with what takes its place",
    "path": "the method, `other` for a path without a method",
    "phone": "the address of the phone, as the vendor's system tells it",
    "proxies": "their addresses",
    "reason": "the stable word of the answer, see `reason`. For `mobile_upload_refused` it is the"
        " true reason, which the answer does not have",
    "seconds": "the time from the head of the request to the answer",
    "serial": "the serial number of the certificate of the user",
    "signers": "how many have signed the document",
    "socket": "`systemd`, if systemd passed the listening socket",
    "status": "the `status` of the answer",
    "trust_anchors": "how many there are",
    "untold": "how many lines of this kind were left out since the line before",
    "user": "the name of the user, masked: see `tunnel.log.personal`",
    "verdict": "`valid`, or the reason of the answer",
})
# fmt: on
