"""The tunnels on the page /status: domains, destinations, threads and connections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from tunnel_gateway.daemon.admin.amounts import amount, duration, percent
from tunnel_gateway.daemon.admin.page import Html, Row, mark, table

# A certificate with fewer days left is shown in red. The log has warned twice by then.
_DAYS_BAD: Final = 7


def sections(state: Mapping[str, Any]) -> Iterable[str]:
    """Yield the HTML of the tunnels' part of the ``state``."""
    yield from table("Domains", ("domain", "days left", "until", "accepted"), _domains(state))
    yield from table(
        "Destinations", ("dst_id", "address", "tunnels", "", "since", ""), _destinations(state)
    )
    if state["workers"]:
        yield from table(
            "Threads that carry tunnels",
            ("thread", "tunnels", "busy", "up", "down", "", ""),
            map(_worker, state["workers"]),
        )
    shown, total = state["connections_shown"], state["connections_total"]
    title = f"Connections: {total}"
    if len(shown) < total:
        title += f", the oldest {len(shown)} of them"
    who = ("from", "user", "domain", "dst_id", "by")
    head = ("tunnel", "stage", *who, "for", "up", "down", "", "")
    yield from table(title, head, map(_connection, shown))


def _domains(state: Mapping[str, Any]) -> Iterable[Row]:
    for domain in state["domains"]:
        days = domain["days_left"]
        left = Html(f'<span class="bad">{days}</span>') if days < _DAYS_BAD else days
        yield domain["domain"], left, domain["until"], mark(domain["accepted"], "yes", "no")


def _destinations(state: Mapping[str, Any]) -> Iterable[Row]:
    for destination in state["destinations"]:
        yield (
            destination["dst_id"],
            destination["address"],
            destination["tunnels"],
            mark(destination["up"], "answers", "down"),
            destination["since"] or "",
            destination["fault"],
        )


def _worker(worker: Mapping[str, Any]) -> Row:
    return (
        worker["worker"],
        worker["tunnels"],
        percent(worker["busy"]),
        amount(worker["bytes_up"]),
        amount(worker["bytes_down"]),
        _rate(worker["rate_up"]),
        _rate(worker["rate_down"]),
    )


def _connection(facts: Mapping[str, Any]) -> Row:
    user = f"{facts['user'] or ''} {facts['serial'] or ''}".strip()
    return (
        Html(f"<code>{escape(facts['tunnel_id'] or '')}</code>"),
        facts["stage"],
        facts["client"],
        user,
        facts["domain"] or "",
        facts["dst_id"] or "",
        facts["protocol"],
        duration(facts["seconds"]),
        amount(facts["bytes_up"]),
        amount(facts["bytes_down"]),
        _rate(facts["rate_up"]),
        _rate(facts["rate_down"]),
    )


def _rate(rate: int | None) -> str:
    return "" if rate is None else f"{amount(rate)}/s"
