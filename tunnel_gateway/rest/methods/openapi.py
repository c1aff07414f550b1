"""``GET /openapi.json`` and ``GET /openapi``: the description of this API, and a page to read it.

They are not in the guide. The description is made when it is asked for the first time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from tunnel_gateway.rest.answers import JSON, Prepared
from tunnel_gateway.rest.call import Call, Method, Wanted
from tunnel_gateway.rest.description.document import describe
from tunnel_gateway.rest.description.reading_page import POLICY, reading_page
from tunnel_gateway.rest.statuses import Fields

_HTML: Final = "text/html; charset=utf-8"


class Description:
    """The description of ``methods`` and of the two that show it."""

    def __init__(self, methods: Sequence[Method], version: str) -> None:
        self._methods = methods
        self._version = version

    @cached_property
    def json(self) -> Prepared:
        """The OpenAPI document."""
        text = json.dumps(self.document(), ensure_ascii=False, separators=(",", ":"))
        return Prepared(text.encode(), JSON)

    @cached_property
    def page(self) -> Prepared:
        """The page."""
        return Prepared(reading_page(self.document()).encode(), _HTML, POLICY)

    def document(self) -> dict[str, Any]:
        """Make the OpenAPI document."""
        return describe([*self._methods, OpenApi(self), OpenApiPage(self)], self._version)


class OpenApi:
    """Answers with the description."""

    path: Final = "/openapi.json"
    verbs: Final = ("GET",)
    wanted: Final = Wanted()

    def __init__(self, description: Description) -> None:
        self._description = description

    async def answer(self, call: Call) -> Fields:
        """Return the OpenAPI document."""
        del call
        return self._description.json


class OpenApiPage:
    """Answers with the page."""

    path: Final = "/openapi"
    verbs: Final = ("GET",)
    wanted: Final = Wanted()

    def __init__(self, description: Description) -> None:
        self._description = description

    async def answer(self, call: Call) -> Fields:
        """Return the page."""
        del call
        return self._description.page
