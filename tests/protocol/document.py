"""The parts of docs/protocol.md that are drawn from the code and from the vectors.

    python -m tests.protocol.document

writes them anew between their marks; a test compares.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.protocol.make_session_vectors import FILE
from tunnel_gateway.protocol.states import TRANSITIONS, State, Step

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"

_MARKED = re.compile(
    r"(<!-- begin (?P<name>[a-z ]+): generated -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL
)
_WIDTH = 68  # 64 digits and the indent


def fill(text: str) -> str:
    """The document with every marked part drawn anew; KeyError for a mark of an unknown name."""
    parts = {"state diagram": state_diagram, "state table": state_table, "vectors": vectors}
    return _MARKED.sub(lambda found: f"{found[1]}{parts[found['name']]()}\n{found[3]}", text)


# --- states -------------------------------------------------------------------------------------


def _words(step: Step) -> str:
    return step.name.lower().replace("_", " ")


def state_diagram() -> str:
    """A mermaid diagram; the steps between the same two states share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, step), following in TRANSITIONS.items():
        arrows.setdefault((state, following), []).append(_words(step))
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state.name}" for state in State if "EXPECT_HELLO" in state.name]
    lines += [
        f"    {state.name} --> {following.name}: {', '.join(steps)}"
        for (state, following), steps in arrows.items()
    ]
    return "\n".join([*lines, "    CLOSED --> [*]", "```"])


def state_table() -> str:
    """One row for each transition, in the order of the states."""
    rows = ["| state | step | next state |", "|---|---|---|"]
    rows += [
        f"| `{state.name}` | {_words(step)} | `{TRANSITIONS[state, step].name}` |"
        for state in State
        for step in Step
        if (state, step) in TRANSITIONS
    ]
    return "\n".join(rows)


# --- vectors ------------------------------------------------------------------------------------


def vectors() -> str:
    """The essential values of tests/vectors/session.json."""
    session: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    blocks = [
        ("Inputs", _inputs(session)),
        ("Messages; the claims, which are certificates, are in the file", _messages(session)),
        (
            "Signatures: the digests that are signed",
            ((f"signed by the {side}", one["digest"]) for side, one in session["signed"].items()),
        ),
        ("Key schedule", session["schedule"].items()),
        ("Keys", _keys(session)),
        ("Records, as they are on the wire", _records(session)),
    ]
    return "\n\n".join(f"### {title}\n\n{_block(values)}" for title, values in blocks)


def _inputs(session: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "server name", _quoted(session["server name (text)"])
    yield "dst_id", _quoted(session["dst_id (text)"])
    for side, inputs in session["entropy"].items():
        for name in ("random", "ephemeral private key", "key share"):
            yield f"{side} {name}", inputs[name]
    yield "UKM, as a number", session["ukm"]


def _messages(session: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, body) for name, body in session["messages"].items() if "claim" not in name)


def _keys(session: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, one in session["protection"].items():
        if "after" in name:
            yield f"{name}: secret", one["secret"]
        yield f"{name}: key", one["key"]
        yield f"{name}: iv", one["iv"]


def _records(session: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """All but the proofs, whose parts stand above, and the many in the middle."""
    for one in session["records"]:
        if "payload" not in one or one["name"] == "authentication":
            continue
        index = one["index (decimal)"]
        if one["from"] == "client" and 1 < index < 255:
            continue
        payload = bytes.fromhex(one["payload"])
        shown = _quoted(payload.decode()) if one["name"] == "data" else one["payload"]
        yield f"{one['secret (name)']}, {index}, {one['name']} {shown}".rstrip(), one["record"]
    for name, one in session["refusals"].items():
        where = f"{one['secret (name)']}, {one['index (decimal)']}" if "payload" in one else "clear"
        yield f"{where}, alert: {name}", one["record"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _block(values: Iterable[tuple[str, str]]) -> str:
    lines = ["```text"]
    for name, value in values:
        lines.append(name)
        lines += textwrap.wrap(value, _WIDTH, initial_indent="    ", subsequent_indent="    ") or [
            "    (empty)"
        ]
    return "\n".join([*lines, "```"])


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
