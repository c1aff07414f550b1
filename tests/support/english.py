"""The lint of docs/style.md: the part of its rules that regular expressions can see.

It reads documents, docstrings and messages. It leaves code out: blocks, and words in backticks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_WORDS = 40

_BE = r"\b(?:is|are|was|were|be)"
_VERBS = r"(?:is|are|was|has|have|can|may|must|would)\b"
_NOT_A_NOUN = r"(?:longer|more|less|fewer|further|later|better|worse|different)"
_ARCHAIC = (
    "anew|whence|hence|hither|hitherto|thereof|therein|thereto|thereupon|wherein|whereof|whereby"
    "|whereupon|herein|hereby|lest|albeit|henceforth|notwithstanding|amid|unto|upon"
)

# Words that must not be written, the number of the rule, and words to write instead.
PATTERNS = (
    (r"\b(?:nor|so) (?:do|does|did|is|are|was|has|have|can|may|must|will)\b", "1: subject first"),
    (r"\bExempt (?:is|are)\b", "1: subject first"),
    (r"\b(?:for|of|by|from|to|with|than|at|but) who\b", "2: anyone who, the user who"),
    (rf"(?:{_BE}|\bhas|\bhave|\bhad) none\b", "3: there is no …, … has no …"),
    (rf"(?<!there ){_BE} no\b(?! {_NOT_A_NOUN})", "3: is not a …, there is no …"),
    (r"\bshall\b", "5: must"),
    (r"\b(?:he|him|his|himself|she|hers?|herself)\b", "6: they, the user, the client, the peer"),
    (r"[,;:] for (?:it|they|there|nobody|anyone|only) ", "7: because"),
    (rf"[,;:] for (?:this|that|these|those) {_VERBS}", "7: because"),
    (rf"[,;:] for (?:an?|the|each|every) [\w-]+ (?:[\w-]+ )?{_VERBS}", "7: because"),
    (r"\b(?:nothing|nobody|any\w*|every\w+|all)(?: \w+){0,3} but\b", "7: except, only"),
    (r"\b(?:whoever|whomever|whosoever|whichever|whatsoever)\b", "7: anyone who, any … that"),
    (rf"\b(?:{_ARCHAIC})\b", "7: the usual word"),
    (rf"{_BE} (?:(?:an?|the|not|only|some|another) )*[\w-]+'s(?=[.,;:)])", "9: write the noun"),
)
_COMPILED = [(re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in PATTERNS]

_BLOCK = re.compile(r"^( *)(```|~~~).*?^\1\2$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LIST = re.compile(r"\bx(?:, x)+\b")  # of words in backticks
_TARGET = re.compile(r"\]\([^()]*\)")
_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:[*+-]|\d+\.|>)\s+", re.MULTILINE)
_SENTENCE = re.compile(r"(?:[^.;:?!|]|[.:](?!\s|$))+[.;:?!|]?")
_PRONOUN = re.compile(
    r"(?:but |and )?(?:who|whoever|what|whatever|(?:one|those|that|he) (?:that|who|which|whose))\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"(?: [\w,]+){1,9}? (?:is|are|has|gets|must)\b")


def comments(text: str) -> str:
    """Return the text of the lines that begin with # and a space, with bars between columns."""
    lines = (re.match(r"[ \t]*# (.*)", line) for line in text.splitlines())
    return "".join(f"{re.sub('  +', ' | ', match[1]) if match else ''}\n" for match in lines)


def _replaced(pattern: re.Pattern[str], rest: str, text: str) -> str:
    def lines_and_rest(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n") + rest

    return pattern.sub(lines_and_rest, text)


def prose(text: str) -> str:
    """Return the text without code, link targets and headings; lines keep their numbers.

    A bar begins each paragraph, item and cell of a table.
    """
    for pattern, rest in (
        (_BLOCK, ""),
        (_COMMENT, ""),
        (_INLINE, "x"),
        (_LIST, "x"),
        (_TARGET, "]"),
        (_HEADING, "|"),
        (_ITEM, "| "),
    ):
        text = _replaced(pattern, rest, text)
    return re.sub(r"\n(?=\n)", "\n|", re.sub(r"\n[ \t]+", "\n", text))


def sentences(plain: str) -> Iterator[tuple[int, str]]:
    """Yield place and words of each sentence of prose, and of each part between ; : and bars."""
    for match in _SENTENCE.finditer(plain):
        words = " ".join(match[0].replace("*", "").split())
        if words.strip(".;:?!|- "):
            yield match.end() - len(match[0].lstrip()), words


def has_no_noun(sentence: str, before: str) -> bool:
    """Whether a pronoun is the subject. A small letter after a bar begins a title and passes."""
    pronoun = _PRONOUN.match(sentence)
    if pronoun is None or sentence.endswith("?"):
        return False
    if sentence[0].isupper():
        return True
    return not before.rstrip().endswith("|") and bool(_VERB.match(sentence, pronoun.end()))


def violations(text: str) -> Iterator[str]:
    """Yield line, words and advice for each part of a text that breaks a rule of docs/style.md."""
    plain = prose(text)
    broken = [
        (match.start(), match[0], advice)
        for pattern, advice in _COMPILED
        for match in pattern.finditer(plain.replace("\n", " "))
    ]
    for start, sentence in sentences(plain):
        if has_no_noun(sentence, plain[:start]):
            broken.append((start, sentence[:50], "2: the subject is a noun"))
        if len(sentence.split()) > MAX_WORDS:
            broken.append((start, sentence[:50], f"4: more than {MAX_WORDS} words"))
    for start, words, advice in sorted(broken):
        yield f"line {plain.count(chr(10), 0, start) + 1}: {words!r}; rule {advice}"
