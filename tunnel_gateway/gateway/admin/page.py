"""The page /status: the state as HTML that reloads itself without a script.

Every text on the page is escaped, because strangers have written some of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from tunnel_gateway.gateway.admin.amounts import amount, duration, limit_row

# The page reloads itself after this time.
REFRESH_SECONDS: Final = 5

STYLE: Final = """\
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem auto; max-width: 80rem; padding: 0 1rem;
       color: #1a1a1a; background: #fff; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd;
         vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: #17693a; } .bad { color: #b3261e; font-weight: 600; }
.wide { overflow-x: auto; } code { font-size: .9em; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #16181b; } th, td { border-color: #3a3d42; }
  .good { color: #6fd08c; } .bad { color: #ff8a80; }
}
"""

# A certificate with fewer days left is shown in red. The log has warned twice by then.
_DAYS_BAD: Final = 7

Row = Sequence[object]


class _Html(str):
    """A text that is HTML, so it is not escaped again."""

    __slots__ = ()


def page(state: Mapping[str, Any]) -> str:
    """Return the page for the state that `StatusJson.make` returned."""
    body = "\n".join(_body(state))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
        '<meta name="viewport" content="width=device-width">'
        '<title>tunnel-gateway</title><link rel="stylesheet" href="/status.css"></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _body(state: Mapping[str, Any]) -> Iterable[str]:
    yield f"<h1>tunnel-gateway: {_readiness(state)}</h1>"
    yield (
        f"<p>Version {escape(state['version'])}, process {state['pid']}, up for"
        f" {duration(state['seconds'])}; {escape(state['now'])}.</p>"
    )
    reasons = (*state["not_ready"], *state["warnings"])
    yield from (f'<p class="bad">{escape(reason)}</p>' for reason in reasons)
    if state["stop"]:
        rows = [(step["step"], step["text"], step["at"]) for step in state["stop"]]
        yield from _table("Stopping", ("step", "", "at"), rows)
    yield from _table("Domains", ("domain", "days left", "until", "accepted"), _domains(state))
    yield from _table(
        "Destinations", ("dst_id", "address", "tunnels", "", "since", ""), _destinations(state)
    )
    limits: list[Row] = [limit_row(**limit) for limit in state["limits"]]
    limits.append(("public-key queue", state["public_key_queue"], ""))
    yield from _table("Limits in use", ("limit", "used", "of"), limits)
    shown, total = state["connections_shown"], state["connections_total"]
    title = f"Connections: {total}"
    if len(shown) < total:
        title += f", the oldest {len(shown)} of them"
    head = ("tunnel", "stage", "from", "user", "domain", "dst_id", "for", "up", "down", "", "")
    yield from _table(title, head, map(_connection, shown))


def _readiness(state: Mapping[str, Any]) -> str:
    if state["stop"]:
        return '<span class="bad">stopping</span>'
    return _mark(state["ready"], "ready", "not ready")


def _mark(good: bool | None, yes: str, no: str) -> _Html:
    if good is None:
        return _Html("–")
    word, kind = (yes, "good") if good else (no, "bad")
    return _Html(f'<span class="{kind}">{escape(word)}</span>')


def _domains(state: Mapping[str, Any]) -> Iterable[Row]:
    for domain in state["domains"]:
        days = domain["days_left"]
        left = _Html(f'<span class="bad">{days}</span>') if days < _DAYS_BAD else days
        yield domain["domain"], left, domain["until"], _mark(domain["accepted"], "yes", "no")


def _destinations(state: Mapping[str, Any]) -> Iterable[Row]:
    for destination in state["destinations"]:
        yield (
            destination["dst_id"],
            destination["address"],
            destination["tunnels"],
            _mark(destination["up"], "answers", "down"),
            destination["since"] or "",
            destination["fault"],
        )


def _connection(facts: Mapping[str, Any]) -> Row:
    user = f"{facts['user'] or ''} {facts['serial'] or ''}".strip()
    up, down = facts["rate_up"], facts["rate_down"]
    return (
        _Html(f"<code>{escape(facts['tunnel_id'] or '')}</code>"),
        facts["stage"],
        facts["client"],
        user,
        facts["domain"] or "",
        facts["dst_id"] or "",
        duration(facts["seconds"]),
        amount(facts["bytes_up"]),
        amount(facts["bytes_down"]),
        "" if up is None else f"{amount(up)}/s",
        "" if down is None else f"{amount(down)}/s",
    )


def _table(title: str, head: Sequence[str], rows: Iterable[Row]) -> Iterable[str]:
    yield f'<h2>{escape(title)}</h2>\n<div class="wide"><table>'
    yield f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(map(_cell, row))}</tr>"
    yield "</table></div>"


def _cell(value: object) -> str:
    if isinstance(value, _Html):
        return f"<td>{value}</td>"
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{kind}>{escape(str(value))}</td>"
