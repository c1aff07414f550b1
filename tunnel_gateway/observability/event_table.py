"""Every line that the gateway logs: its name, its level, its keys, what it means, what to do.

Names and keys are a promise to whoever searches or alerts on them. The tests hold the table to the
calls in the code and to docs/log.md, which has it as `as_markdown` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of line: ``keys`` are in each of them, ``sometimes`` in some.

    ``levels`` has more than one where it depends. Texts are Markdown, without a full stop.
    """

    name: str
    levels: tuple[str, ...]
    keys: tuple[str, ...]
    sometimes: tuple[str, ...]
    meaning: str
    remedy: str = "nothing"


_USER: Final = ("tunnel_id", "domain", "dst_id", "user", "serial", "issuer")
_END: Final = ("client", "reason", "seconds")
_INFO, _WARNING, _ERROR, _DEBUG = ("info",), ("warning",), ("error",), ("debug",)
_EXPIRY: Final = ("used_for", "certificate", "until", "days", "remedy")

# fmt: off
EVENTS: Final[tuple[Event, ...]] = (
    Event("listening", _INFO, ("address", "domains", "destinations", "policies"), ("socket",),
        "it serves",
        "look whether all domains are there"),
    Event("tunnel_closed", _INFO, (*_END, *_USER, "bytes_up", "bytes_down"),
        ("detail", "rule", "limit"),
        "a tunnel whose WebSocket was open has ended: one line for each",
        "nothing, for most reasons: see [Why a tunnel ended](#why-a-tunnel-ended)"),
    Event("tunnel_refused", ("warning", "debug"), _END,
        (*_USER, "detail", "rule", "limit", "untold"),
        "a connection ended before its WebSocket was open, whoever ended it; with what was known"
        " by then; debug: one of too many from a source, which `untold` counts",
        "see [Why a tunnel ended](#why-a-tunnel-ended) and [Alerts](#alerts)"),
    Event("identity_header_left_out", _WARNING,
        ("client", *_USER, "header", "detail"), (),
        "the user's certificate has a text where a number must be, which no application shall take"
        " for one: it gets no such header",
        "ask the centre that issued it; the audit file has the whole subject"),
    Event("probe", _DEBUG, _END, ("detail",),
        "somebody connected and hung up without a byte: a health check"),
    Event("internal_error", _ERROR, (), ("client", *_USER, "detail", "exception"),
        "a fault of this program, with its traceback; of the connection if there is a `client`,"
        " which alone ended",
        "report it"),
    Event("background_failed", _ERROR, ("loop", "detail"), ("exception",),
        "what the gateway does all the time beside its tunnels has failed; it is tried again, after"
        " 1 s at first and after 10 s at last; with a traceback if it is a fault of this program",
        "mend what `detail` says, mostly descriptors: raise `ulimit -n`; report a traceback"),
    Event("accept_failed", _ERROR, ("detail",), (),
        "no connection can be accepted; once for each run of failures",
        "mostly descriptors: raise `ulimit -n` or lower `tunnel.limit`"),
    Event("port_left_at_once", _WARNING, ("detail",), (),
        "a stop on a port that other daemons share, which could not be left to them in order: who"
        " was about to connect in that moment was reset",
        "`sysctl net.ipv4.tcp_migrate_req=1` lets the system give them to the others; see"
        " [Another one takes its place](operations.md#another-one-takes-its-place)"),
    Event("domain_certificate_not_accepted", _WARNING, ("domain", "detail"), (),
        "clients that trust the same roots will refuse the domain; it is served all the same",
        "renew the certificate, or complete the chain"),
    Event("domain_certificate_revoked", _WARNING, ("domain", "detail"), (),
        "a certificate on the path of an own domain is revoked; users will refuse it",
        "get a new certificate, and find out why"),
    Event("certificate_expires", ("warning", "error"), _EXPIRY, (),
        "a certificate in use ends in 30 days or less, 7 or less, or (error) 1 or less",
        "renew the certificate and reload"),
    Event("certificate_expired", _ERROR, _EXPIRY, (),
        "a certificate in use has expired",
        "renew the certificate and reload, at once"),
    Event("reloaded", _INFO,
        ("domains", "renewed", "removed", "destinations", "policies", "trust_anchors"), (),
        "what was changed is in use from the next connection on",
        "look whether all domains are there"),
    Event("reload_refused", _ERROR, ("detail", "effect"), (),
        "the new files cannot be used; one line for each fault",
        "correct it and reload again"),
    Event("listen_key_not_used", _WARNING, ("key", "file"), (),
        "this key has changed, and it says nothing while the socket is systemd's",
        "change `ListenStream=` of the socket unit"),
    Event("restart_needed", _WARNING, ("key", "file"), (),
        "this key has changed, and a reload does not change it",
        "restart when it suits"),
    Event("destination_down", _ERROR, ("dst_id", "address", "failures", "detail"), (),
        "this address of a destination fails, and is left out until it answers",
        "look at the application; its other addresses serve meanwhile"),
    Event("destination_up", _INFO, ("dst_id", "address", "seconds"), (),
        "the address answers, and is used again"),
    Event("fleet_joined", _INFO, ("gateway", "tunnels"), (),
        "limits count over all gateways from now on: at the start, and when Redis is back"),
    Event("fleet_unreachable", _ERROR, ("detail", "effect"), (),
        "Redis does not answer, or not within 250 ms; once, until it does again",
        "look at Redis and the way to it; tunnels go on, and each gateway counts alone"),
    Event("memory_full", _ERROR, ("megabytes", "limit", "effect"), (),
        "`tunnel.memory.limit` is reached, and new tunnels are refused",
        "look at the number of tunnels; more memory, or a restart at night"),
    Event("memory_unknown", _WARNING, ("detail", "effect"), (),
        "the system does not tell how much memory the process has; once",
        "mount /proc in the container or chroot"),
    Event("memory_free", _INFO, ("megabytes", "limit"), (),
        "there is memory again, and new tunnels are let in"),
    Event("admin_listening", _INFO, ("addresses",), (),
        "operators are answered there, see [Admin](operations.md#admin)"),
    Event("admin_refused", _WARNING, ("status", "detail"), ("untold",),
        "somebody asked at `tunnel.admin.listen` and was refused; at most 30 lines a minute",
        "nothing, unless it was you: `detail` says what to do otherwise"),
    Event("tunnel_close_asked", _INFO, ("tunnel_id", "uid"), (),
        "an operator has ended a tunnel; its line `tunnel_closed` follows"),
    Event("stop_step", _INFO, ("step", "name", "text"), (),
        "how a stop goes on, see [Stopping](operations.md#stopping)"),
    Event("draining", _INFO, ("tunnels", "seconds"), (),
        "a stop was asked for; so many connections are there, and get so much time"),
    Event("log_lines_lost", _ERROR, ("lost",), (),
        "so many lines of the log could not be written before this one: nobody read them, or there"
        " was no room",
        "look what reads standard error, or at the journal"),
    Event("stopped", _INFO, ("tunnels_ended",), (),
        "the end; `false` means that some tunnels did not end in time"),
    Event("revocation_unknown", _WARNING, ("detail",), (),
        "a user was let in though his status could not be had (`tunnel.revocation=soft`)",
        "look why: `revocation_data_not_had` says"),
    Event("revocation_data_not_had", ("warning", "debug"), ("detail",), ("about",),
        "a list or an answer was not had, or is of no use; debug: its address rests after a"
        " failure",
        "look at the way to the address in `detail`"),
    Event("revocation_cache_not_used", _DEBUG, ("detail",), (),
        "what an earlier process kept is of no use any more, and is fetched anew"),
    Event("revocation_cache_failed", _WARNING, ("detail",), ("file", "folder"),
        "`tunnel.revocation.cache.dir` cannot be used; a restart will have to fetch again",
        "let the gateway's user write there, or free space"),
    Event("crl_folder_not_read", _WARNING, ("folder", "detail"), (),
        "`tunnel.crl.dir` cannot be read; the lists that were read before stay in use",
        "let the gateway's user read it"),
    Event("crl_file_not_used", _WARNING, ("file", "detail"), (),
        "this file is no list that can be used; the others are",
        "replace or remove it"),
    Event("crl_entries_passed_over", _WARNING, ("entries",), ("file", "about"),
        "so many entries of a list that was read have no serial number that a certificate can have,"
        " and match nobody; the others count",
        "tell the centre that made the list"),
    Event("audit_head", _INFO, ("file", "records", "head"), (),
        "where the chain of the audit file stands: at the start, each hour, at a rotation and at"
        " the end",
        "keep these lines elsewhere: they prove what was in the file, see [Audit](#audit)"),
    Event("audit_failing", _ERROR, ("file", "detail"), (),
        "the audit file cannot be written; tunnels go on, records wait in memory; once for each"
        " run of failures",
        "free space, or mend what `detail` says; it is tried again each second"),
    Event("audit_resumed", _WARNING, ("file", "lost"), (),
        "the audit file is written again; so many records did not fit into memory and are lost",
        "if any are lost, the lines `tunnel_closed` and `tunnel_refused` of that time have them"),
    Event("audit_not_reopened", _ERROR, ("file", "detail"), (),
        "after a rotation the new file cannot be used, and the old one is written on",
        "mend what `detail` says, and send SIGHUP again"),
    Event("audit_lost", _ERROR, ("file", "lost"), (),
        "at the end: so many records could not be written and are lost",
        "the same as for `audit_resumed`"),
)

KEYS: Final[Mapping[str, str]] = MappingProxyType({
    "about": "the certificate whose status was asked for, or whose list it is",
    "address": "where the gateway listens; of a destination: host and port",
    "addresses": "where operators are answered",
    "bytes_up": "bytes from the user, after the request's head",
    "bytes_down": "bytes from the application",
    "certificate": "the certificate, by serial number and issuer",
    "client": "address and port that the tunnel came from",
    "days": "whole days until it ends; negative when it has ended",
    "destinations": "the dst_ids of all destinations",
    "detail": "the whole error, with the remedy where there is one",
    "domain": "the domain that the client asked for, or that is meant",
    "domains": "all domains that are served",
    "dst_id": "the destination that the client asked for",
    "effect": "what became of it",
    "entries": "how many entries of the list",
    "exception": "the traceback",
    "failures": "how often in a row",
    "file": "the file that is meant",
    "folder": "the folder that is meant",
    "gateway": "this gateway's name among the others: another one at each start",
    "header": "the header that the application does not get",
    "head": "the hash of the last record",
    "issuer": "the issuer in the user's certificate, once it is verified",
    "key": "the key of the configuration",
    "limit": "the key of the limit that was reached, see [Limits](configuration.md#limits); of"
        " memory: megabytes",
    "loop": "which of them, in a word: `memory` watches `tunnel.memory.limit`",
    "lost": "how many records, or lines of the log, were not written and will not be",
    "megabytes": "how much memory the process uses",
    "name": "what the step is called",
    "policies": "each destination with its address and, in words, who may use it; PINFLs and UIDs"
        " are only counted",
    "reason": "why it ended: see [Why a tunnel ended](#why-a-tunnel-ended)",
    "records": "the number of the last record",
    "remedy": "what to do",
    "removed": "domains that are served no more",
    "renewed": "domains with another certificate than before",
    "rule": "the key of the configuration that refused the user; where no allow list matched, all"
        " of them",
    "socket": "`systemd` if the listening socket was passed by it",
    "seconds": "from accept to end; of `draining`: the time that is left; of"
        " `destination_up`: how long it was down",
    "serial": "the serial number of the user's certificate, once it is verified",
    "status": "the HTTP status of the answer",
    "step": "the number of the step, from 1 to 6",
    "text": "the step in words",
    "trust_anchors": "how many there are",
    "tunnel_id": "32 hexadecimal digits; `connect` printed the same, and the application got it as"
        " `X-EIMZO-Tunnel-Id`",
    "tunnels": "how many connections are there",
    "tunnels_ended": "whether all of them ended in time",
    "uid": "the user of the machine who asked, by number",
    "untold": "how many were refused since the line before without a line and an alert",
    "until": "the end of its validity, UTC",
    "used_for": "`domain` and its name, or `truststore`",
    "user": "the name in the user's certificate, once it is verified: `G… O…`, see"
        " `tunnel.log.personal`",
})
# fmt: on


def as_markdown() -> str:
    """Return both tables as they stand in docs/log.md."""
    return "\n".join([*_table(_event_rows()), "", *_table(_key_rows())]) + "\n"


def _event_rows() -> Iterator[tuple[str, ...]]:
    yield "event", "level", "keys", "meaning", "what to do"
    for one in EVENTS:
        keys = ", ".join(f"`{key}`" for key in one.keys)
        sometimes = ", ".join(f"`{key}`" for key in one.sometimes)
        shown = "; sometimes ".join(part for part in (keys, sometimes) if part)
        if not keys:
            shown = f"sometimes {sometimes}"
        yield f"`{one.name}`", " or ".join(one.levels), shown, one.meaning, one.remedy


def _key_rows() -> Iterator[tuple[str, ...]]:
    yield "key", "meaning"
    for key, meaning in KEYS.items():
        yield f"`{key}`", meaning


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)
