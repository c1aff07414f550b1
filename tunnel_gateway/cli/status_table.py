"""The state of a gateway as lines for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tunnel_gateway.daemon.admin.amounts import amount, duration, limit_row, percent
from tunnel_gateway.observability.logs import escaped

MIN_WIDTH: Final = 40

# These columns stand to the right.
_NUMBERS: Final = {"DAYS", "TUNNELS", "USED", "OF", "FOR", "UP/s", "DOWN/s", "SUM", "BUSY"}
# The others have less to do: a machine may have more threads than the terminal has lines.
_BUSIEST: Final = 8

Row = Sequence[object]


def lines(state: Mapping[str, Any], width: int, *, ids: bool = False) -> Iterator[str]:
    """Yield the contents of /status.json as lines, none longer than ``width``.

    ``ids`` shows whole tunnel ids; else the first eight digits of each.
    """
    width = max(width, MIN_WIDTH)
    for line in _lines(state, ids=ids):
        yield line if len(line) <= width else f"{line[: width - 1]}…"


def _lines(state: Mapping[str, Any], *, ids: bool) -> Iterator[str]:
    readiness = "STOPPING" if state["stop"] else "ready" if state["ready"] else "NOT READY"
    yield (
        f"tunnel-gateway {state['version']}: {readiness}, up for {duration(state['seconds'])},"
        f" process {state['pid']}"
    )
    for complaint in (*state["not_ready"], *state["warnings"]):
        yield f"  ! {complaint}"
    for step in state["stop"]:
        yield f"  {step['step']}. {step['text']}"
    yield ""
    if "connections_shown" in state:
        yield from _tunnels(state)
    limits: list[Row] = [limit_row(**limit) for limit in state["limits"]]
    yield from _table(
        ("LIMIT", "USED", "OF"), [*limits, ("public-key queue", state["public_key_queue"], "")]
    )
    if state.get("workers"):  # not of a gateway without tunnels, and not of an older one
        yield from _workers(state["workers"])
    if "rest" in state:
        rest = state["rest"].items()
        rows = [(name.replace("_", " "), value) for name, value in rest if name != "faults"]
        yield from _table(("REST API", ""), rows)
    if "connections_shown" in state:
        yield from _connections(state, ids=ids)


def _tunnels(state: Mapping[str, Any]) -> Iterator[str]:
    yield from _table(
        ("DOMAIN", "DAYS", "ACCEPTED"),
        [
            (domain["domain"], domain["days_left"], "yes" if domain["accepted"] else "NO")
            for domain in state["domains"]
        ],
    )
    yield from _table(
        ("DST_ID", "STATE", "TUNNELS", "ADDRESS"),
        [
            (
                destination["dst_id"],
                _STATES[destination["up"]],
                destination["tunnels"],
                destination["address"],
            )
            for destination in state["destinations"]
        ],
    )


def _workers(workers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shown = sorted(workers, key=lambda one: one["busy"] or 0, reverse=True)[:_BUSIEST]
    if len(shown) < len(workers):
        yield f"threads: {len(workers)}, the busiest {len(shown)} of them"
    yield from _table(
        ("THREAD", "TUNNELS", "BUSY", "UP/s", "DOWN/s"),
        [
            (
                worker["worker"],
                worker["tunnels"],
                percent(worker["busy"]),
                _rate(worker["rate_up"]),
                _rate(worker["rate_down"]),
            )
            for worker in shown
        ],
    )


def _connections(state: Mapping[str, Any], *, ids: bool) -> Iterator[str]:
    shown, total = state["connections_shown"], state["connections_total"]
    more = f", the oldest {len(shown)} of them" if len(shown) < total else ""
    yield f"connections: {total}{more}"
    amounts = ("FOR", "UP/s", "DOWN/s", "SUM")
    head = ("TUNNEL", "STAGE", *amounts, "DST", "BY", "USER", "SERIAL", "FROM")
    yield from _table(head, [_connection(connection, ids=ids) for connection in shown])


_STATES: Final = {True: "up", False: "DOWN", None: "?"}


def _connection(connection: Mapping[str, Any], *, ids: bool) -> Row:
    tunnel_id = connection["tunnel_id"] or "-"
    return (
        tunnel_id if ids else tunnel_id[:8],
        connection["stage"],
        duration(connection["seconds"]),
        _rate(connection["rate_up"]),
        _rate(connection["rate_down"]),
        amount(connection["bytes_up"] + connection["bytes_down"]),
        connection["dst_id"] or "-",
        connection["protocol"],
        connection["user"] or "-",
        connection["serial"] or "-",
        connection["client"],
    )


def _rate(rate: int | None) -> str:
    return "-" if rate is None else amount(rate)


def _table(head: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield the rows in columns, each as wide as it needs."""
    texts = [[escaped(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *texts, strict=True)]
    right = [name in _NUMBERS for name in head]
    for row in (list(head), *texts):
        cells = [
            cell.rjust(size) if to_the_right else cell.ljust(size)
            for cell, size, to_the_right in zip(row, widths, right, strict=True)
        ]
        yield "  ".join(cells).rstrip()
    yield ""
