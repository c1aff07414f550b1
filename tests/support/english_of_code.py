"""The English inside a Python file: its docstrings, comments and messages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.support.english import violations

# Lines below a "::" and the scripts for Redis are not English.
_A_BLOCK = re.compile(r"::\n\n(?:[ \t]+\S.*\n|\n)+")
_A_SCRIPT = re.compile(r"redis\.call\(")
# A line of a list in a help text: a name, some spaces, its meaning.
_A_ROW = re.compile(r"^ {2,}(?=\S+(?:, \S+)* {2,}\S)", re.MULTILINE)
# A string of fewer words is a name, a key or a part of a sentence.
_A_MESSAGE = re.compile(r"(?:\S+\s+){4,}\S+")
_NOT_ENGLISH = re.compile(r"noqa|type: ignore|fmt: |pragma: ")


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each docstring and message."""
    tree = ast.parse(source)
    parts = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for value in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces = (str(v.value) if isinstance(v, ast.Constant) else "x" for v in node.values)
            yield node.lineno, "".join(pieces)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts
        ):
            yield node.lineno, node.value


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each comment; lines below each other are one."""
    first, last, lines = 0, -1, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _NOT_ENGLISH.search(token.string):
            continue
        line = token.start[0]
        if line != last + 1:
            if lines:
                yield first, "\n".join(lines)
            first, lines = line, []
        lines.append(token.string.lstrip("#:! "))
        last = line
    if lines:
        yield first, "\n".join(lines)


def violations_of_code(path: Path) -> Iterator[str]:
    """Yield file, line, words and advice for each text in a file that breaks docs/style.md."""
    source = path.read_text(encoding="utf-8")
    texts = [
        (line, _A_ROW.sub("- ", _A_BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)))
        for line, text in _texts(source)
        if _A_MESSAGE.search(text) and not _A_SCRIPT.search(text)
    ]
    for first, text in sorted([*texts, *_comments(source)]):
        # ``None`` is a value here, and not the word of the rule.
        for violation in violations(re.sub(r"\bNone\b", "x", text)):
            line, _, advice = violation.removeprefix("line ").partition(": ")
            yield f"{path.name}:{first + int(line) - 1}: {advice}"
