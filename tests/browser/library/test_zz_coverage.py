"""Every block of the library runs in the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.web_library import SOURCE, Coverage


def test_every_block_has_run(request: pytest.FixtureRequest, coverage: Coverage) -> None:
    folder = Path(__file__).parent
    chosen = {item.path for item in request.session.items}
    if not chosen.issuperset(folder.glob("test_*.py")):
        pytest.skip("only some tests of the library run")
    assert set(coverage.run) == {path.name for path in SOURCE.glob("*.js")}
    assert coverage.missing() == []


def test_a_block_that_has_not_run_is_seen() -> None:
    coverage = Coverage()
    text = "if (a) { b(); } else { c(); }"
    blocks = [(0, len(text), 1), (text.index("{ c"), len(text), 0)]
    ranges = [{"startOffset": start, "endOffset": end, "count": n} for start, end, n in blocks]
    script = {"url": "http://localhost/web/a.js", "functions": [{"ranges": ranges}]}
    coverage.add([script], {"a.js": text})
    assert coverage.missing() == ["a.js:1: { c(); }"]
