"""Functions that pages call to see what there is: devices that this agent does not know.

Version 6 of E-IMZO has these functions, and pages go on only after their answers. No answer here
says that something was done: there are no devices and no saved PINs, and the agent speaks the
language of the desktop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from tunnel_gateway.agent.calls import Caller, Function, Handler, Result
from tunnel_gateway.agent.reasons import refused

# E-IMZO 6 answers with the name of the locale.
_LOCALES: Final[Mapping[str, str]] = MappingProxyType({"uz": "uz_UZ", "ru": "ru_RU"})


def stub_functions() -> list[Function]:
    """Return the functions."""
    return [
        _fixed("idcard", "list_readers", "Readers of ID cards: none.", readers=[]),
        _fixed("baikey", "list_tokens", "BAIK tokens: none.", tokens=[]),
        _fixed("ckc", "list_ckc", "CKC devices: none.", devices=[]),
        *(
            _fixed(plugin, "clear_saved_pin_codes", "Forget saved PINs: this agent saves none.")
            for plugin in ("idcard", "baikey", "ckc")
        ),
        _fixed("app", "get_jvm_version", "This agent has no Java.", message="no JVM"),
        Function(
            "app",
            "change_ui_lang",
            ("lang",),
            "Does nothing: the agent speaks the language of the desktop.",
            _change_ui_lang,
        ),
    ]


def _fixed(plugin: str, name: str, description: str, **fields: object) -> Function:
    async def handler(caller: Caller, arguments: Sequence[str]) -> Result:  # noqa: ARG001
        return fields

    checked: Handler = handler
    return Function(plugin, name, (), description, checked)


async def _change_ui_lang(_: Caller, arguments: Sequence[str]) -> Result:
    locale = _LOCALES.get(arguments[0])
    if locale is None:
        raise refused("bad_language")
    return {"message": locale}
