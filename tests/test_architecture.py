"""The rules of the house, executable: who may import whom, and what each file must be.

Each rule takes the folder of the package and gives its violations, with the reason in the text,
so that the rules themselves are tested on small packages that break them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGE = "tunnel_gateway"
MAX_LINES = 400

# Each part with the parts it may import besides itself. Nothing else may be imported from us.
BESIDE = {
    "end_reasons",
    "errors",
    "kept_errors",
    "limit_keys",
    "os_errors",
    "plain_text",
    "subject_numbers",
    "user_language",
}
SIDE = {*BESIDE, "config", "observability"}
BELOW = {*SIDE, "gost", "pki", "cms", "protocol", "transport"}
SERVICES = {"daemon", "dataplane", "limits", "revocation", "gateway", "rest", "agent"}
LAYERS: dict[str, set[str]] = {
    **{name: set() for name in BESIDE},
    "errors": {"limit_keys"},
    "config": {"errors", "plain_text", "subject_numbers"},
    "observability": {"end_reasons", "errors", "limit_keys"},
    "gost": {"errors"},
    "pki": {"errors", "os_errors", "gost", "plain_text"},
    "cms": {"errors", "kept_errors", "gost", "pki"},
    "protocol": {"errors", "kept_errors", "gost", "pki"},
    "transport": {*SIDE, "gost", "pki", "protocol"},
    "dataplane": BELOW - {"cms"},
    "daemon": BELOW,
    "limits": {*BELOW, "daemon"},
    "revocation": {*BELOW, "daemon"},
    "gateway": {*BELOW, "daemon", "dataplane", "limits", "revocation"},
    "rest": {*BELOW, "daemon", "limits", "revocation"},
    "agent": {*BELOW, "dataplane"},
    "centre": BELOW,
    "phone": {"errors", "gost", "pki", "cms", "transport"},
    "doctor": {*BELOW, *SERVICES},
    "cli": {*BELOW, *SERVICES, "centre", "phone", "doctor"},
}

# The same inside parts that have rooms: each room, a folder or a file, may import what stands to
# the left of it. What is not named stands at the left end.
ROOMS: dict[str, tuple[str, ...]] = {
    "pki": (
        "encoding",
        "certificates",
        "trust",
        "status",
        "files",
        "services",
        "authority",
        "certificate_request",
        "listing",
        "responding",
    ),
    "transport": ("wire", "system", "streams"),
    "daemon": ("audit", "service", "admin", "start_checks", "checking", "loading", "daemon"),
    "gateway": ("admin", "gateway"),
    "rest": (
        "views",
        "verification",
        "time_stamping",
        "records",
        "present_signer",
        "mobile",
        "methods",
        "assembly",
        "rest_service",
        "rest_checks",
    ),
    "agent": (
        "threads",
        "reasons",
        "calls",
        "base64_fields",
        "settings",
        "handshake",
        "keys",
        "documents",
        "stubs",
        "pages",
        "api",
        "one_tunnel",
        "program",
    ),
}

SANS_IO = {"gost", "pki", "cms", "protocol", "phone"}
IMPURE_MODULES = {"asyncio", "socket", "time", "random", "secrets", "logging", "structlog"}
IMPURE_CALLS = {
    "os.urandom",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "uuid.uuid4",
}
_WAYS_OUT = (ast.Break, ast.Return, ast.Raise)
EXITS = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}

Rule = Callable[[Path], Iterator[str]]


def sources(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every source file with the names on the way to it: ``["gost", "digest"]``."""
    for path in sorted((root / PACKAGE).rglob("*.py")):
        yield path, list(path.relative_to(root / PACKAGE).with_suffix("").parts)


def part_of(names: list[str]) -> str:
    """The part a file belongs to; the package's own two files are at the ends of the chain."""
    return {"__init__": "errors", "__main__": "cli"}.get(names[0], names[0])


def imports(path: Path, names: list[str]) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every import, under TYPE_CHECKING and in functions too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = [PACKAGE, *names][: -node.level] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def used_names(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every ``name`` and the last two parts of every ``a.b.name`` read."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.lineno, f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            yield node.lineno, f"{node.value.attr}.{node.attr}"


def imports_go_one_way(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        part = part_of(names)
        if part not in LAYERS:
            yield f"{path}: {part} has no place among the layers; give it one in LAYERS"
            continue
        for line, target in imports(path, names):
            wanted = target.split(".")
            if wanted[0] != PACKAGE or len(wanted) == 1:
                continue
            if wanted[1] != part and wanted[1] not in LAYERS[part]:
                yield (
                    f"{path}:{line}: {part} imports {wanted[1]}. Imports run one way (cli ->"
                    " gateway, agent -> transport -> protocol -> pki -> gost -> errors), so that"
                    " each layer can be read and tested without the ones above; gateway, rest"
                    " and agent never import each other"
                )


def rooms_are_in_order(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        rooms = ROOMS.get(names[0])
        if rooms is None or len(names) == 1:
            continue
        for line, target in imports(path, names):
            wanted = target.split(".")
            if wanted[:2] != [PACKAGE, names[0]] or len(wanted) == 2:
                continue
            if _rank(wanted[2], rooms) > _rank(names[1], rooms):
                yield (
                    f"{path}:{line}: {names[1]} imports {wanted[2]}. Inside {names[0]} imports run"
                    f" one way too: {' <- '.join(rooms)}"
                )


def _rank(name: str, rooms: tuple[str, ...]) -> int:
    return rooms.index(name) if name in rooms else -1


def names_are_unique(root: Path) -> Iterator[str]:
    first: dict[str, Path] = {}
    for path, names in sources(root):
        # A command is named after what a user types, whatever else there is of this name.
        if names[-1].startswith("__") or names[0] == "cli":
            continue
        if first.setdefault(names[-1], path) != path:
            yield f"{path}: there is {first[names[-1]]} too. A file is found by its name alone"


def sans_io_stays_pure(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        if names[0] not in SANS_IO:
            continue
        used = [
            (line, target)
            for line, target in imports(path, names)
            if target.split(".")[0] in IMPURE_MODULES
        ]
        used += [(line, name) for line, name in used_names(path) if name in IMPURE_CALLS]
        for line, name in used:
            yield (
                f"{path}:{line}: {names[0]} uses {name}. {names[0]} is sans-IO: time and entropy"
                " are arguments and nothing is logged, so that a handshake replays byte for byte"
            )


def each_part_touches_its_own_c(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        for line, target in imports(path, names):
            owner = re.match(rf"{PACKAGE}\.(\w+)\._native\b", target)
            if owner and names[0] != owner[1]:
                yield f"{path}:{line}: imports {target}. Only {owner[1]} wraps its C, with checks"
            if target.split(".")[0] == "cffi" and names[1:2] != ["_native"]:
                yield f"{path}:{line}: imports {target}. The one place that builds C is _native"


def only_cli_prints_and_exits(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        if part_of(names) == "cli":
            continue
        for line, name in used_names(path):
            if name in EXITS:
                yield (
                    f"{path}:{line}: uses {name}. Only cli prints for people or ends the process;"
                    " everything else returns, raises or logs"
                )


def no_loop_runs_for_ever_by_hand(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        if names == ["observability", "background"]:
            continue
        for function in ast.walk(ast.parse(path.read_bytes())):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if not isinstance(node, ast.While) or not isinstance(node.test, ast.Constant):
                    continue
                if not any(isinstance(one, _WAYS_OUT) for one in ast.walk(node)):
                    yield (
                        f"{path}:{node.lineno}: {function.name} goes on for ever. Whoever dies"
                        " there dies unseen: make it one round, and let observability/background.py"
                        " keep it running"
                    )


def files_are_short(root: Path) -> Iterator[str]:
    for folder in (PACKAGE, "tests"):
        for path in sorted((root / folder).rglob("*.py")):
            lines = len(path.read_bytes().splitlines())
            if lines > MAX_LINES:
                yield f"{path}: {lines} lines. A file holds one idea in {MAX_LINES}; cut it in two"


def every_file_has_its_tests(root: Path) -> Iterator[str]:
    for path, names in sources(root):
        if len(names) == 1 or "_native" in names or names[-1].startswith("__"):
            continue
        wanted = Path("tests", *names[:-1], f"test_{names[-1]}.py")
        if not (root / wanted).is_file():
            yield f"{path}: {wanted} is missing. The tests of a file are found by its name"


RULES: tuple[Rule, ...] = (
    imports_go_one_way,
    rooms_are_in_order,
    names_are_unique,
    sans_io_stays_pure,
    each_part_touches_its_own_c,
    only_cli_prints_and_exits,
    no_loop_runs_for_ever_by_hand,
    files_are_short,
    every_file_has_its_tests,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    violations = list(rule(PROJECT))
    assert not violations, "\n" + "\n".join(violations)


def package(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


BROKEN: list[tuple[Rule, str, str]] = [
    (imports_go_one_way, "gost/a.py", "import tunnel_gateway.pki.oids"),
    (imports_go_one_way, "gost/a.py", "from tunnel_gateway import pki"),
    (imports_go_one_way, "gost/a.py", "from ..pki import oids"),
    (imports_go_one_way, "gost/a.py", "from .. import pki"),
    (imports_go_one_way, "pki/a.py", "def f():\n    import tunnel_gateway.protocol.record"),
    (imports_go_one_way, "pki/a.py", "if TYPE_CHECKING:\n    import tunnel_gateway.transport"),
    (imports_go_one_way, "protocol/a.py", "from tunnel_gateway.config import tunnel"),
    (imports_go_one_way, "gateway/a.py", "from tunnel_gateway.agent import app"),
    (imports_go_one_way, "agent/a.py", "from tunnel_gateway.gateway import app"),
    (imports_go_one_way, "gateway/a.py", "from tunnel_gateway.rest import call"),
    (imports_go_one_way, "rest/a.py", "from tunnel_gateway.gateway import session"),
    (imports_go_one_way, "transport/a.py", "from tunnel_gateway.gateway import app"),
    (imports_go_one_way, "observability/a.py", "from tunnel_gateway.config import tunnel"),
    (imports_go_one_way, "config/a.py", "from tunnel_gateway.observability import logs"),
    (imports_go_one_way, "daemon/a.py", "from tunnel_gateway.limits import sources"),
    (imports_go_one_way, "limits/a.py", "from tunnel_gateway.gateway import gateway"),
    (imports_go_one_way, "pki/a.py", "from tunnel_gateway.cms import signing"),
    (imports_go_one_way, "phone/a.py", "from tunnel_gateway.rest import call"),
    (imports_go_one_way, "errors.py", "from tunnel_gateway import gost"),
    (imports_go_one_way, "__init__.py", "from tunnel_gateway import gateway"),
    (imports_go_one_way, "gateway/a.py", "from tunnel_gateway.cli import main"),
    (imports_go_one_way, "helpers/a.py", ""),
    (rooms_are_in_order, "agent/reasons.py", "from tunnel_gateway.agent.keys import files"),
    (rooms_are_in_order, "agent/reasons.py", "from tunnel_gateway.agent.calls import Caller"),
    (rooms_are_in_order, "agent/calls.py", "from tunnel_gateway.agent import keys"),
    (rooms_are_in_order, "agent/pages/a.py", "from tunnel_gateway.agent.api import sockets"),
    (rooms_are_in_order, "agent/keys/a.py", "from tunnel_gateway.agent.pages import tunnels"),
    (rooms_are_in_order, "agent/keys/a.py", "from ...agent.api import dispatch"),
    (rooms_are_in_order, "pki/encoding/a.py", "import tunnel_gateway.pki.files.pem"),
    (rooms_are_in_order, "transport/wire/a.py", "from tunnel_gateway.transport import streams"),
    (rooms_are_in_order, "rest/views/a.py", "from tunnel_gateway.rest.methods import ping"),
    (rooms_are_in_order, "rest/call.py", "from tunnel_gateway.rest import views"),
    *((sans_io_stays_pure, "protocol/a.py", f"import {name}") for name in sorted(IMPURE_MODULES)),
    (sans_io_stays_pure, "pki/a.py", "from logging import handlers"),
    (sans_io_stays_pure, "gost/a.py", "import asyncio.streams"),
    (sans_io_stays_pure, "gost/a.py", "import os\nos.urandom(1)"),
    (sans_io_stays_pure, "pki/a.py", "import datetime\ndatetime.datetime.now()"),
    (each_part_touches_its_own_c, "pki/a.py", "from tunnel_gateway.gost import _native"),
    (each_part_touches_its_own_c, "pki/a.py", "from tunnel_gateway.gost._native import lib"),
    (each_part_touches_its_own_c, "gateway/a.py", "import tunnel_gateway.dataplane._native"),
    (each_part_touches_its_own_c, "gost/a.py", "import cffi"),
    *((only_cli_prints_and_exits, "gateway/a.py", f"{name}(1)") for name in sorted(EXITS)),
    (no_loop_runs_for_ever_by_hand, "agent/a.py", "async def f():\n    while True:\n        g()"),
    (files_are_short, "gost/a.py", "\n" * 401),
    (every_file_has_its_tests, "gost/a.py", ""),
]


@pytest.mark.parametrize(("rule", "name", "text"), BROKEN)
def test_a_broken_rule_is_seen(rule: Rule, name: str, text: str, tmp_path: Path) -> None:
    (violation,) = rule(package(tmp_path, {name: text}))
    assert violation.startswith(str(tmp_path / PACKAGE / name))
    assert [other for other in RULES if other is not rule and list(other(tmp_path))] in (
        [],
        [every_file_has_its_tests],
    )


def test_what_the_rules_allow(tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "__main__.py": "from tunnel_gateway.cli.main import main\nraise SystemExit(main())",
        "errors.py": "import time\nfrom dataclasses import dataclass",
        "config/text.py": "from tunnel_gateway.errors import ConfigError",
        "gost/__init__.py": "import tunnel_gateway",
        "gost/_native/build.py": "import cffi",
        "gost/digest.py": "import os\nfrom ._native import lib\nfrom . import curves\nos.sep",
        "pki/oids.py": "from ..gost.digest import digest\nimport timeit",
        "protocol/record.py": "from tunnel_gateway.pki.oids import oid\nnow = 1",
        "transport/streams/relay.py": "from tunnel_gateway.transport.wire import rates",
        "transport/channel.py": "import time\nfrom tunnel_gateway.observability import logs",
        "gateway/gateway.py": "from tunnel_gateway import config, errors, limits, transport",
        "gateway/session.py": "from tunnel_gateway.gateway import sessions",
        "agent/program.py": "from tunnel_gateway.agent import api, reasons",
        "agent/api/a.py": "from tunnel_gateway.agent.api import dispatch\ndispatch.exit",
        "agent/pages/b.py": "async def f():\n    while True:\n        return\n    while f: pass",
        "observability/background.py": "async def f():\n    while True: pass",
        "cli/main.py": "import sys\nfrom tunnel_gateway import agent, gateway\nsys.exit(print())",
    }
    package(tmp_path, files)
    for name in files:
        folder, _, file = name.rpartition("/")
        (tmp_path / "tests" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / folder / f"test_{file}").touch()
    assert [violation for rule in RULES for violation in rule(tmp_path)] == []


def test_there_is_something_to_rule() -> None:
    assert {part_of(names) for _, names in sources(PROJECT)} == set(LAYERS)
