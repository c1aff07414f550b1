"""The page /status: the state as HTML that reloads itself without a script.

Every text on the page is escaped, because strangers have written some of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from tunnel_gateway.daemon.admin.amounts import duration, limit_row

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

Row = Sequence[object]


class Html(str):
    """A text that is HTML, so it is not escaped again."""

    __slots__ = ()


def page(state: Mapping[str, Any], sections: Iterable[str]) -> str:
    """Return the page for a state of the daemon. ``sections`` is the HTML of its services."""
    body = "\n".join(_body(state, sections))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
        '<meta name="viewport" content="width=device-width">'
        '<title>tunnel-gateway</title><link rel="stylesheet" href="/status.css"></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _body(state: Mapping[str, Any], sections: Iterable[str]) -> Iterable[str]:
    yield f"<h1>tunnel-gateway: {_readiness(state)}</h1>"
    yield (
        f"<p>Version {escape(state['version'])}, process {state['pid']}, up for"
        f" {duration(state['seconds'])}; {escape(state['now'])}.</p>"
    )
    reasons = (*state["not_ready"], *state["warnings"])
    yield from (f'<p class="bad">{escape(reason)}</p>' for reason in reasons)
    if state["stop"]:
        rows = [(step["step"], step["text"], step["at"]) for step in state["stop"]]
        yield from table("Stopping", ("step", "", "at"), rows)
    limits: list[Row] = [limit_row(**limit) for limit in state["limits"]]
    limits.append(("public-key queue", state["public_key_queue"], ""))
    yield from table("Limits in use", ("limit", "used", "of"), limits)
    yield from sections


def _readiness(state: Mapping[str, Any]) -> str:
    if state["stop"]:
        return '<span class="bad">stopping</span>'
    return mark(state["ready"], "ready", "not ready")


def mark(good: bool | None, yes: str, no: str) -> Html:
    """Return ``yes`` in green or ``no`` in red, and a dash if it is not known."""
    if good is None:
        return Html("–")
    word, kind = (yes, "good") if good else (no, "bad")
    return Html(f'<span class="{kind}">{escape(word)}</span>')


def table(title: str, head: Sequence[str], rows: Iterable[Row]) -> Iterable[str]:
    """Yield a heading and a table under it; cells are escaped unless they are Html."""
    yield f'<h2>{escape(title)}</h2>\n<div class="wide"><table>'
    yield f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(map(_cell, row))}</tr>"
    yield "</table></div>"


def _cell(value: object) -> str:
    if isinstance(value, Html):
        return f"<td>{value}</td>"
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{kind}>{escape(str(value))}</td>"
