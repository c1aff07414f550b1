"""What root tries once more, all that an ordinary user skips; what starts first; coverage."""

from __future__ import annotations

import re

from tests.conftest import LONGEST_FIRST
from tests.support.coverage_table import table
from tests.support.processes import PROJECT

# How a test says that it needs root: by itself, or by what it uses.
_NEEDS_ROOT = re.compile(r"geteuid\(\) != 0|import dead_disk")


def test_nothing_is_tried_by_nobody() -> None:
    text = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    found = re.search(r'ROOTS_TESTS="(.*?)"', text, re.DOTALL)
    assert found is not None
    roots = [PROJECT / word for word in found[1].split()]
    assert all(place.exists() for place in roots)
    needing = [
        path
        for path in (PROJECT / "tests").rglob("test_*.py")
        if path.name != "test_ci.py" and _NEEDS_ROOT.search(path.read_text(encoding="utf-8"))
    ]
    assert len(needing) > 3
    for path in needing:
        assert any(path.is_relative_to(place) for place in roots), f"{path} is not in .ci/run"


def test_the_files_that_start_first_exist() -> None:
    assert [name for name in LONGEST_FIRST if not (PROJECT / name).exists()] == []


def test_coverage_is_added_up_for_each_package() -> None:
    def file(statements: int, branches: int) -> dict[str, dict[str, int]]:
        return {
            "summary": {
                "num_statements": statements,
                "covered_lines": 3,
                "num_branches": branches,
                "covered_branches": 1 if branches else 0,
            }
        }

    report = {
        "tunnel_gateway/errors.py": file(3, 0),
        "tunnel_gateway/pki/trust/paths.py": file(5, 4),
        "tunnel_gateway/pki/authority.py": file(5, 2),
    }
    assert table({"files": report}).splitlines()[2:] == [
        "| pki | 10 | 60.0 % | 6 | 33.3 % |",
        "| single files | 3 | 100.0 % | 0 | - |",
        "| all | 13 | 69.2 % | 6 | 33.3 % |",
    ]
