"""What a page that probes for devices is told."""

from __future__ import annotations

import pytest

from tests.support.keys import PAGE
from tunnel_gateway.agent.stubs import stub_functions
from tunnel_gateway.errors import CallRefusedError

FUNCTIONS = {f"{function.plugin}.{function.name}": function for function in stub_functions()}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("idcard.list_readers", {"readers": []}),
        ("baikey.list_tokens", {"tokens": []}),
        ("ckc.list_ckc", {"devices": []}),
        ("idcard.clear_saved_pin_codes", {}),
        ("baikey.clear_saved_pin_codes", {}),
        ("ckc.clear_saved_pin_codes", {}),
        ("app.get_jvm_version", {"message": "no JVM"}),
    ],
)
async def test_there_is_none(name: str, answer: dict[str, object]) -> None:
    assert await FUNCTIONS[name](PAGE, []) == answer


async def test_the_language() -> None:
    change = FUNCTIONS["app.change_ui_lang"]
    assert await change(PAGE, ["uz"]) == {"message": "uz_UZ"}
    assert await change(PAGE, ["ru"]) == {"message": "ru_RU"}
    with pytest.raises(CallRefusedError) as caught:
        await change(PAGE, ["xx"])
    assert caught.value.name == "bad_language"


def test_no_other_is_claimed() -> None:
    assert len(FUNCTIONS) == 8
    assert not {function.plugin for function in FUNCTIONS.values()} & {"ftjc", "ytks"}
