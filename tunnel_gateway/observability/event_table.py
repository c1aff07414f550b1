"""Every line that the gateway and the agent log: its name, level and keys, its meaning and remedy.

Names and keys are a promise to everyone who searches the log or has alerts on it. The tests compare
these tables with the calls in the code, and with docs/log.md, which has them as `as_markdown`
prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of line. Each line has the ``keys``, some lines have the keys of ``sometimes``.

    An event has two ``levels`` if the level depends on the case. Texts are Markdown, without a
    full stop at the end.
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
# All programs have background work, and a thread that writes the log.
SHARED_EVENTS: Final = (
    Event("background_failed", _ERROR, ("loop", "detail"), ("exception",),
        "some of the work that goes on all the time beside the tunnels has failed. The program"
        " tries it again after 1 s at first, and after 10 s at most. If it is a fault of this"
        " program, the line has a traceback",
        "correct what `detail` says. In most cases there are too few descriptors: raise"
        " `ulimit -n`. Report a traceback"),
    Event("log_lines_lost", _ERROR, ("lost",), (),
        "the program could not write `lost` lines before this line: nobody read them, or the disk"
        " was full",
        "look at the program that reads standard error, or at the journal"),
)

GATEWAY_EVENTS: Final[tuple[Event, ...]] = (
    Event("listening", _INFO, ("address", "domains", "destinations", "policies"), ("socket",),
        "the gateway accepts connections",
        "check that the line has all domains"),
    Event("tunnel_closed", _INFO, (*_END, *_USER, "bytes_up", "bytes_down"),
        ("protocol", "detail", "rule", "limit"),
        "a tunnel whose WebSocket was open has ended: one line for each tunnel",
        "nothing, for most reasons: see [Why a tunnel ended](#why-a-tunnel-ended)"),
    Event("tunnel_refused", ("warning", "debug"), _END,
        (*_USER, "protocol", "detail", "rule", "limit", "untold"),
        "a connection ended before its WebSocket was open, no matter which side ended it. The line"
        " has the facts that were known by then. The level is debug if one source has too many such"
        " lines; `untold` counts those",
        "see [Why a tunnel ended](#why-a-tunnel-ended) and [Alerts](#alerts)"),
    Event("identity_header_left_out", _WARNING,
        ("client", *_USER, "header", "detail"), ("protocol",),
        "the user's certificate has a text where a number must be. The application must not take"
        " this text for a number, so the request goes without the header",
        "ask the centre that issued the certificate; the audit file has the whole subject"),
    Event("probe", _DEBUG, _END, ("detail",),
        "a client connected and closed the connection without a byte: a health check"),
    Event("internal_error", _ERROR, (),
        ("client", *_USER, "protocol", "detail", "exception"),
        "a fault of this program, with its traceback. If the line has a `client`, only the"
        " connection of this client ended",
        "report it"),
    Event("accept_failed", _ERROR, ("detail",), (),
        "the gateway cannot accept connections: one line for each run of failures",
        "in most cases there are too few descriptors: raise `ulimit -n` or lower `tunnel.limit`"),
    Event("port_left_at_once", _WARNING, ("detail",), (),
        "the gateway stopped, and could not leave the port that it shares with other daemons in"
        " order. The connections of clients that were just connecting were reset",
        "set `sysctl net.ipv4.tcp_migrate_req=1`: then the system gives such connections to the"
        " other daemons. See"
        " [Another one takes its place](operations.md#another-one-takes-its-place)"),
    Event("domain_certificate_not_accepted", _WARNING, ("domain", "detail"), (),
        "clients that trust the same roots will refuse the domain; the gateway serves it anyway",
        "renew the certificate, or complete the chain"),
    Event("domain_certificate_revoked", _WARNING, ("domain", "detail"), (),
        "a certificate on the path of one of the gateway's domains is revoked; clients will refuse"
        " the domain",
        "get a new certificate, and find out why the old one was revoked"),
    Event("certificate_expires", ("warning", "error"), _EXPIRY, (),
        "a certificate in use ends in less than 30 days, less than 7 days, or less than 1 day"
        " (then the level is error)",
        "renew the certificate and reload"),
    Event("certificate_expired", _ERROR, _EXPIRY, (),
        "a certificate in use has expired",
        "renew the certificate and reload, at once"),
    Event("reloaded", _INFO, (),
        ("domains", "renewed", "removed", "destinations", "policies", "trust_anchors",
         "rest_trust_anchors", "rest_trust_changed"),
        "the new files are in use, from the next connection on. The line has the keys of the"
        " services that run: `rest_trust_anchors` and `rest_trust_changed` are those of the REST"
        " service, and the others are those of the tunnels",
        "check that the line has all domains"),
    Event("reload_refused", _ERROR, ("detail", "effect"), (),
        "the gateway cannot use the new files: one line for each fault",
        "correct the fault and reload again"),
    Event("listen_key_not_used", _WARNING, ("key", "file"), (),
        "this key has changed, but it has no effect while systemd owns the socket",
        "change `ListenStream=` of the socket unit"),
    Event("restart_needed", _WARNING, ("key", "file"), (),
        "this key has changed, but a reload does not apply it",
        "restart the gateway when you have time for it"),
    Event("destination_down", _ERROR, ("dst_id", "address", "failures", "detail"), (),
        "this address of a destination fails; the gateway leaves it out until it answers",
        "look at the application; meanwhile the gateway uses the destination's other addresses"),
    Event("destination_up", _INFO, ("dst_id", "address", "seconds"), (),
        "the address answers, and the gateway uses it again"),
    Event("fleet_joined", _INFO, ("gateway", "tunnels"), (),
        "from now on the limits count over all gateways. The line comes at the start, and when"
        " Redis is back"),
    Event("fleet_unreachable", _ERROR, ("detail", "effect"), (),
        "Redis does not answer, or not within 250 ms: one line until it answers again",
        "look at Redis and at the network between; tunnels go on, and each gateway counts alone"),
    Event("memory_full", _ERROR, ("megabytes", "limit", "effect"), (),
        "the process has reached `tunnel.memory.limit`, and the gateway refuses new tunnels and"
        " REST calls",
        "look at the number of tunnels, and of REST calls in progress. Give the gateway more"
        " memory, or restart it at night"),
    Event("memory_unknown", _WARNING, ("detail", "effect"), (),
        "the system does not tell how much memory the process has: one line",
        "mount /proc in the container or chroot"),
    Event("memory_free", _INFO, ("megabytes", "limit"), (),
        "there is memory again, and the gateway accepts new tunnels and REST calls"),
    Event("admin_listening", _INFO, ("addresses",), (),
        "operators can ask at these addresses, see [Admin](operations.md#admin)"),
    Event("admin_refused", _WARNING, ("status", "detail"), ("untold",),
        "a request at `tunnel.admin.listen` was refused: at most 30 lines a minute",
        "nothing, unless the request was yours: `detail` says what to do instead"),
    Event("tunnel_close_asked", _INFO, ("tunnel_id", "uid"), (),
        "an operator has ended a tunnel; the line `tunnel_closed` of this tunnel follows"),
    Event("stop_step", _INFO, ("step", "name", "text"), (),
        "the next step of a stop, see [Stopping](operations.md#stopping)"),
    Event("draining", _INFO, ("connections", "seconds"), (),
        "a stop has begun: there are so many `connections`, and they have `seconds` seconds to"
        " end"),
    Event("stopped", _INFO, (), ("tunnels_ended", "calls_ended"),
        "the gateway has stopped; `false` means that some tunnels or calls did not end in time"),
    Event("revocation_unknown", _WARNING, ("detail",), (),
        "the gateway does not know whether the user's certificate is revoked, and let the user in"
        " (`tunnel.revocation=soft`)",
        "look for `revocation_data_not_had`: it says why"),
    Event("revocation_data_not_had", ("warning", "debug"), ("detail",), ("about",),
        "the gateway did not get a revocation list or an OCSP answer, or cannot use it. The level"
        " is debug if the gateway did not ask, because the address has just failed",
        "look at the network between the gateway and the address in `detail`"),
    Event("revocation_cache_not_used", _DEBUG, ("detail",), (),
        "the gateway cannot use data that an earlier process kept, and fetches them again"),
    Event("revocation_cache_failed", _WARNING, ("detail",), ("file", "folder"),
        "the gateway cannot use `tunnel.revocation.cache.dir`; after a restart it must fetch all"
        " data again",
        "let the gateway's user write there, or free space on the disk"),
    Event("crl_folder_not_read", _WARNING, ("folder", "detail"), (),
        "the gateway cannot read `tunnel.crl.dir`; the lists that it has read before stay in use",
        "let the gateway's user read the folder"),
    Event("crl_file_not_used", _WARNING, ("file", "detail"), (),
        "the gateway cannot use this file as a revocation list; it uses the other files",
        "replace or remove the file"),
    Event("crl_entries_passed_over", _WARNING, ("entries",), ("file", "about"),
        "`entries` entries of a list have a serial number that no certificate can have. They match"
        " no certificate; the other entries count",
        "tell the centre that made the list"),
    Event("audit_head", _INFO, ("file", "records", "head"), (),
        "the last record of the audit file: at the start, each hour, at a rotation and at the end",
        "keep these lines on another machine: they prove what was in the file, see"
        " [Audit](#audit)"),
    Event("audit_failing", _ERROR, ("file", "detail"), (),
        "the gateway cannot write the audit file. Tunnels go on, and the records wait in memory:"
        " one line for each run of failures",
        "free space on the disk, or correct what `detail` says; the gateway tries again each"
        " second"),
    Event("audit_resumed", _WARNING, ("file", "lost"), (),
        "the gateway can write the audit file again; `lost` records did not fit into memory and"
        " are lost",
        "if records are lost, look for the lines `tunnel_closed` and `tunnel_refused` of that time:"
        " they have the same facts"),
    Event("audit_not_reopened", _ERROR, ("file", "detail"), (),
        "after a rotation the gateway cannot use the new file, and goes on with the old file",
        "correct what `detail` says, and send SIGHUP again"),
    Event("audit_lost", _ERROR, ("file", "lost"), (),
        "the gateway has ended, and could not write `lost` records: they are lost",
        "the same as for `audit_resumed`"),
    *SHARED_EVENTS,
)

AGENT_EVENTS: Final[tuple[Event, ...]] = (
    Event("listening", _INFO, ("ws", "wss", "gateways"), ("holder",),
        "pages can call the agent. With a `holder`, these are the ports of the second pair"),
    Event("first_ports_taken", _INFO, ("ws", "wss"), (),
        "the ports of E-IMZO are free, and the agent serves them, too"),
    Event("first_ports_left", _INFO, ("ws", "wss"), (),
        "an E-IMZO starts, so the agent has left its ports; pages find the agent at these"),
    Event("first_ports_kept", _WARNING, ("detail",), (),
        "an E-IMZO starts, but the agent has no other ports to go to and keeps those of E-IMZO",
        "end the program that `detail` names, or end the agent if you need E-IMZO"),
    Event("api_key_installed", _INFO, ("origin",), (),
        "the pages of this origin can call all functions from now on"),
    Event("call_refused", _WARNING, ("origin", "function", "code"), ("untold",),
        "the agent refused a call of a page: at most 30 lines a minute",
        "look the `code` up in [Refusals](for-page-developers.md#refusals)"),
    Event("request_refused", _WARNING, ("detail",), ("host", "path", "untold"),
        "a page or a program connected to the agent and got no WebSocket. It asked for another host"
        " or path, or its request was not correct: for example, it was longer than 16 KiB with all"
        " cookies of `127.0.0.1`. There are at most 30 lines a minute",
        "nothing, unless the page is yours: `detail` says what is wrong"),
    Event("visitor_refused", _WARNING, ("origin", "detail"), ("untold",),
        "another page or a program connected to the address of a tunnel and was refused: at most 30"
        " lines a minute for each address"),
    Event("tunnel_made", _INFO, ("origin", "dst_id", "gateway", "tunnel_id"), (),
        "a tunnel to the gateway is open; its address waits for the page"),
    Event("tunnel_closed", _INFO, ("origin", "tunnel_id", "reason"),
        ("bytes_up", "bytes_down", "detail", "strangers"),
        "a tunnel has ended: one line for each tunnel",
        "nothing, for most reasons: see [Why a tunnel ended](#why-a-tunnel-ended)"),
    Event("cannot ask for a password", _WARNING, ("reason",), (),
        "a key needs its password, but the agent has no way to ask the user: pinentry or the"
        " password file failed",
        "correct what `reason` says"),
    Event("a key file cannot be used", _WARNING, ("reason",), (),
        "the file of a key is damaged, or is not of a kind that E-IMZO makes",
        "get the file again from the certification centre"),
    Event("disk_silent", _WARNING, ("disk", "detail"), (),
        "a disk with keys did not answer for 10 seconds, or answered with an error; the agent uses"
        " the other disks",
        "take the medium out and put it in again, or bring its network share back"),
    Event("certificate_renewed", _INFO, ("file",), (),
        "the certificate of the wss address is a new one"),
    Event("certificate_not_renewed", _WARNING, ("detail",), (),
        "the agent could not renew the certificate of the wss address; it tries again each day",
        "correct what `detail` says"),
    Event("hangup_ignored", _WARNING, (), (),
        "SIGHUP came, and the agent has no terminal that could have been closed: it goes on",
        "nothing; restart the agent if it must read new settings"),
    Event("internal_error", _ERROR, (), ("function", "tunnel", "detail", "exception"),
        "a fault of this program, with its traceback. If the line has a `function` or a `tunnel`,"
        " only this call or this tunnel ended",
        "report it"),
    Event("stopping", _INFO, (), (),
        "a signal has come, and the agent ends its tunnels"),
    *SHARED_EVENTS,
)

GATEWAY_KEYS: Final[Mapping[str, str]] = MappingProxyType({
    "about": "the certificate whose status the gateway asked for, or whose issuer made the list",
    "address": "where the gateway listens; for a destination, its host and port",
    "addresses": "where operators can ask",
    "bytes_up": "bytes from the user, after the head of the request",
    "bytes_down": "bytes from the application",
    "calls_ended": "whether all calls of the REST API ended in time",
    "certificate": "the certificate, by serial number and issuer",
    "client": "address and port of the client",
    "connections": "how many connections there are",
    "days": "whole days until the certificate ends; negative after its end",
    "destinations": "the dst_ids of all destinations",
    "detail": "the whole error, with a remedy if there is one",
    "domain": "the domain that the client asked for, or that the line is about",
    "domains": "all domains that the gateway serves",
    "dst_id": "the destination that the client asked for, or that the line is about",
    "effect": "what happens because of it",
    "entries": "how many entries of the list",
    "exception": "the traceback",
    "failures": "how many times in a row",
    "file": "the file that the line is about",
    "folder": "the folder that the line is about",
    "gateway": "the name of this gateway among the others; it is a new name at each start",
    "header": "the header that the application does not get",
    "head": "the hash of the last record",
    "issuer": "the issuer in the user's certificate, as soon as it is verified",
    "key": "the key of the configuration",
    "limit": "the configuration key of the limit that was reached, see"
        " [Limits](configuration.md#limits); in the lines on memory, megabytes",
    "loop": "the name of the background work: for example, `memory` watches `tunnel.memory.limit`",
    "lost": "how many records, or lines of the log, were not written and will not be",
    "megabytes": "how much memory the process uses",
    "name": "the name of the step",
    "policies": "each destination with its address and, in words, who may use it; PINFLs and UIDs"
        " are only counted",
    "protocol": "`stp` for a client that speaks [STP](stp.md); absent for our own protocol",
    "reason": "why it ended: see [Why a tunnel ended](#why-a-tunnel-ended)",
    "records": "the number of the last record",
    "remedy": "what to do",
    "removed": "domains that the gateway no longer serves",
    "renewed": "domains that have a new certificate",
    "rest_trust_anchors": "how many trust anchors the REST service has",
    "rest_trust_changed": "whether they are others than before",
    "rule": "the configuration key that refused the user; if no allow list had the user, all of"
        " the allow lists",
    "socket": "`systemd`, if systemd passed the listening socket",
    "seconds": "the time from accept to the end; in `draining`, the time that is left; in"
        " `destination_up`, the time that the address was down",
    "serial": "the serial number of the user's certificate, as soon as it is verified",
    "status": "the HTTP status of the answer",
    "step": "the number of the step, from 1 to 6",
    "text": "the step in words",
    "trust_anchors": "how many there are",
    "tunnel_id": "32 hexadecimal digits; `connect` printed the same, and the application got it as"
        " `X-EIMZO-Tunnel-Id`",
    "tunnels": "how many tunnels there are",
    "tunnels_ended": "whether all of them ended in time",
    "uid": "the operator's user of the machine, by number",
    "untold": "how many were refused without a line and without an alert since the line before",
    "until": "the end of its validity, UTC",
    "used_for": "`domain` and its name, or `truststore`",
    "user": "the name in the user's certificate, as soon as it is verified: `G… O…`, see"
        " `tunnel.log.personal`",
})

AGENT_KEYS: Final[Mapping[str, str]] = MappingProxyType({
    "bytes_up": "bytes from the page",
    "bytes_down": "bytes from the application",
    "code": "the code that the page got",
    "detail": "the whole error, with a remedy if there is one",
    "disk": "the disk that the line is about",
    "dst_id": "the destination that the page asked for",
    "exception": "the traceback",
    "file": "the file that the line is about",
    "function": "plugin and name of the function; empty if there is no such function",
    "gateway": "the address of the gateway",
    "gateways": "the gateways of all domains, each as DOMAIN=HOST:PORT",
    "holder": "who has the ports of the first pair, as far as the system tells",
    "host": "the Host header of the request",
    "loop": "the name of the background work: `certificate`, `keys` or `ports`",
    "lost": "how many lines of the log were not written and will not be",
    "origin": "the origin of the page; in `visitor_refused`, of the page that the address is for",
    "path": "the path of the request",
    "reason": "why the tunnel ended; in the other lines, the whole error",
    "strangers": "how many others connected to the address of the tunnel and were refused",
    "tunnel": "the address of the tunnel",
    "tunnel_id": "32 hexadecimal digits; the log of the gateway has the same",
    "untold": "how many were refused without a line since the line before",
    "ws": "the port of the ws address",
    "wss": "the port of the wss address",
})
# fmt: on


def as_markdown(events: Iterable[Event], keys: Mapping[str, str]) -> str:
    """Return the tables of the events and of their keys as they are in docs/log.md."""
    return "\n".join([*_table(_event_rows(events)), "", *_table(_key_rows(keys))]) + "\n"


def _event_rows(events: Iterable[Event]) -> Iterator[tuple[str, ...]]:
    yield "event", "level", "keys", "meaning", "what to do"
    for event in events:
        keys = ", ".join(f"`{key}`" for key in event.keys)
        sometimes = ", ".join(f"`{key}`" for key in event.sometimes)
        shown = "; ".join(filter(None, (keys, sometimes and f"sometimes {sometimes}")))
        yield f"`{event.name}`", " or ".join(event.levels), shown, event.meaning, event.remedy


def _key_rows(keys: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    yield "key", "meaning"
    for key, meaning in keys.items():
        yield f"`{key}`", meaning


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)
