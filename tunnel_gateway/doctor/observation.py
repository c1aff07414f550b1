"""An observation of the doctor: what was seen, in no language yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunnel_gateway.daemon.findings import Finding, Status
from tunnel_gateway.user_language import Language, Texts, in_language


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of texts: the area, the status, and the sentences with ``{facts}``."""

    area: str
    status: Status
    uzbek: str
    russian: str
    english: str

    @property
    def texts(self) -> Texts:
        """The sentences in the order of the languages."""
        return self.uzbek, self.russian, self.english

    def seen(self, subject: str, **facts: object) -> Observation:
        """Return the observation of this row at ``subject``."""
        return Observation(self, subject, {name: str(value) for name, value in facts.items()})


@dataclass(frozen=True, slots=True)
class Observation:
    """A row of the table, what it was seen at, and the facts for its sentences."""

    row: Row
    subject: str
    facts: Mapping[str, str]

    def finding(self, language: Language) -> Finding:
        """Return it as a finding in a language."""
        text = in_language(self.row.texts, language).format(**self.facts)
        return Finding(self.row.area, self.subject, self.row.status, text)
