"""The element that lets the user choose a key, alone and in its dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import PHONE, Visit
from tests.support.processes import LOOPBACK
from tests.support.signing_programs import SigningProgram, key, signing_program
from tests.support.web_library import Lab, run

OFFICER = {"1.2.860.3.16.1.1": "300000001", "uid": "400000001", "o": "paxta‚ ip va mato mchj"}
KEYS = [
    key(),
    key(disk="/Volumes/DSKEYS"),  # the same certificate once more, as macOS lists it
    key("to‘laganova oygul", **OFFICER),
    key("eskirgan", until="2021.01.01 00:00:00"),
]
LISTED = {"success": True, "certificates": KEYS, "silent_disks": ["/mnt/tarmoq", "/mnt/usb"]}
SHOW = """globalThis.listed = await web.listKeys({
    apiKey: "A1", addresses: [given[0]] });
  const element = document.createElement(web.defineKeyChoice());
  element.listed = listed;
  element.addEventListener("change", () => { globalThis.changes = (globalThis.changes ?? 0) + 1; });
  document.querySelector("main").append(element);"""
CHOOSE = """globalThis.chosen = web.openTunnel({
    destination: "7", apiKey: "A1", addresses: [given[0]], ...given[1],
    onstate: ({ state }) => { globalThis.state = state; },
  }).then(() => "open", ({ code }) => code);"""
IS_CONTRASTING = "getComputedStyle(document.querySelector('tunnel-gateway-keys')).backgroundColor"
TEXTS = {
    "uz": ("Kalitni tanlang", "Javob bermayotgan disklar: /mnt/tarmoq, /mnt/usb", "STIR 300000001"),
    "uz-Cyrl": ("Калитни танланг", "Жавоб бермаётган дисклар: /mnt/tarmoq", "СТИР 300000001"),
    "ru": ("Выберите ключ", "Диски не отвечают: /mnt/tarmoq, /mnt/usb", "ИНН 300000001"),
    "en": ("Choose a key", "Disks do not answer: /mnt/tarmoq, /mnt/usb", "INN 300000001"),
}


def address(agent: SigningProgram) -> str:
    return f"ws://{LOOPBACK}:{agent.port}"


def listing(**more: Any) -> dict[str, Any]:
    return {"pfx.list_all_certificates": {**LISTED, **more}}


def radios(seen: Visit) -> Locator:
    return seen.find("tunnel-gateway-keys").get_by_role("radio")


def test_a_name_is_no_mark_up(lab: Lab) -> None:
    name = "<img src=x onerror='globalThis.run = true'>"
    names = {"certificates": [key(name, o=name)], "silent_disks": [name]}
    with signing_program(listing(**names)) as agent, lab.page() as seen:
        run(seen, SHOW, address(agent))
        element = seen.find("tunnel-gateway-keys")
        expect(element.get_by_text(name)).to_have_count(3)
        expect(element.locator("img")).to_have_count(0)
        assert seen.page.evaluate("globalThis.run") is None


def test_the_list(lab: Lab) -> None:
    with signing_program(listing()) as agent, lab.page() as seen:
        run(seen, SHOW, address(agent))
        keys = seen.page.evaluate("JSON.parse(JSON.stringify(listed))")
        first, second, third = keys["keys"]
        assert first == {
            **KEYS[1],
            "owner": "g‘aniyev o‘ktam",
            "pinfl": "10000000000001",
            "serialNumber": "7a219151",
            "validFrom": "2020-11-24T10:19:54.000Z",
            "validTo": "2048-11-23T18:59:59.000Z",
            "dates": "2020.11.24 – 2048.11.23",
            "usable": True,
        }
        assert (second["organisation"], second["inn"]) == ("paxta, ip va mato mchj", "300000001")
        assert not third["usable"]
        assert keys["silentDisks"] == LISTED["silent_disks"]


def test_a_list_of_eimzo_and_a_strange_alias(lab: Lab) -> None:
    strange = {**key(), "alias": "cn=a=b,c,uid=5"}
    answer = {"success": True, "certificates": [strange]}
    with signing_program({"pfx.list_all_certificates": answer}) as agent, lab.page() as seen:
        run(seen, SHOW, address(agent))
        keys = seen.page.evaluate("JSON.parse(JSON.stringify(listed))")
        assert keys["silentDisks"] == []
        (only,) = keys["keys"]
        assert (only["owner"], only["inn"], only["usable"]) == ("a=b", "5", True)
        expect(seen.find("tunnel-gateway-keys label")).to_contain_text("? – ?")


@pytest.mark.parametrize("language", TEXTS)
def test_the_element_speaks_four_languages(language: str, lab: Lab) -> None:
    with signing_program(listing()) as agent, lab.page() as seen:
        run(seen, SHOW, address(agent))
        element = seen.find("tunnel-gateway-keys")
        element.evaluate("(element, lang) => { element.lang = lang; }", language)
        for text in TEXTS[language]:
            expect(element).to_contain_text(text)
        expect(element.locator("fieldset")).to_have_attribute("lang", language)
        expect(element.locator("label").first).to_contain_text("…0001")
        assert "10000000000001" not in element.inner_text()


@pytest.mark.parametrize(
    ("tag", "locale", "language"),
    [("ru-RU", "en", "ru"), ("", "en-GB", "en"), ("", "de", "uz"), ("uz-Cyrl-UZ", "ru", "uz-Cyrl")],
)
def test_the_language_of_the_page(tag: str, locale: str, language: str, lab: Lab) -> None:
    with lab.page(locale=locale) as seen:
        seen.page.evaluate("(lang) => { document.documentElement.lang = lang; }", tag)
        text = run(seen, "return new web.AgentError('cancelled').text();")
        expected = {"uz": "Bekor qilindi.", "uz-Cyrl": "Бекор қилинди."}
        assert text == expected.get(language, {"ru": "Отменено.", "en": "Cancelled."}.get(language))


def test_the_keyboard(lab: Lab) -> None:
    with signing_program(listing()) as agent, lab.page() as seen:
        run(seen, SHOW, address(agent))
        press = seen.page.keyboard.press
        press("Tab")
        press("Space")
        expect(radios(seen).nth(0)).to_be_checked()
        press("ArrowDown")
        expect(radios(seen).nth(1)).to_be_checked()
        press("ArrowDown")  # past the key that is over
        expect(radios(seen).nth(0)).to_be_checked()
        expect(radios(seen).nth(2)).to_be_disabled()
        assert seen.page.evaluate("changes") == 3
        element = seen.find("tunnel-gateway-keys")
        element.evaluate("(element) => { element.lang = 'ru'; }")
        expect(radios(seen).nth(0)).to_be_checked()  # in another language, too
        assert element.evaluate("(element) => element.value === listed.keys[0]")
        expect(radios(seen).nth(1)).to_have_accessible_name(
            "to‘laganova oygul paxta, ip va mato mchj ИНН 300000001 ПИНФЛ …0001"
            " 2020.11.24 – 2048.11.23"
        )


def test_no_key(lab: Lab) -> None:
    for certificates in ([], KEYS[3:]):
        answers = listing(certificates=certificates, silent_disks=[])
        with signing_program(answers) as agent, lab.page() as seen:
            run(seen, SHOW, address(agent))
            status = seen.find("tunnel-gateway-keys").get_by_role("status")
            expect(status).to_have_text("No valid key was found. Insert the disk with your keys.")
            refusal = run(
                seen,
                "return web.openTunnel({ destination: '7', apiKey: 'A', addresses: given });",
                address(agent),
            )
            assert refusal["code"] == "no_keys"


def test_a_name_of_the_page(lab: Lab) -> None:
    with lab.page() as seen:
        lines = """const names = [web.defineKeyChoice("my-keys"), web.defineKeyChoice("my-keys")];
          names.push(web.defineKeyChoice());
          return [...names, document.createElement("my-keys").value];"""
        assert run(seen, lines) == ["my-keys", "my-keys", "tunnel-gateway-keys", None]


def test_the_dialog(lab: Lab) -> None:
    with signing_program(listing()) as agent, lab.page() as seen:
        run(seen, CHOOSE, address(agent), {"lang": "en"})
        dialog = seen.page.get_by_role("dialog", name="Choose a key")
        expect(dialog).to_be_visible()
        assert seen.page.evaluate("state") == "choosing"
        go_on = dialog.get_by_role("button", name="OK")
        expect(go_on).to_be_disabled()
        radios(seen).nth(1).check()
        go_on.click()
        assert seen.page.evaluate("chosen") == "open"
        expect(dialog).to_have_count(0)
        assert agent.calls[-2][0] == "pfx.load_key"
        assert agent.calls[-2][4] == KEYS[2]["alias"]


def test_the_dialog_is_left(lab: Lab) -> None:
    with signing_program(listing()) as agent, lab.page() as seen:
        run(seen, CHOOSE, address(agent), {"lang": "uz"})
        seen.page.get_by_role("button", name="Bekor qilish").click()
        assert seen.page.evaluate("chosen") == "cancelled"
        run(seen, CHOOSE, address(agent), {"lang": "uz"})
        seen.page.get_by_role("dialog").press("Escape")
        assert seen.page.evaluate("chosen") == "cancelled"
        stop = CHOOSE.replace(
            "...given", "signal: (globalThis.stop = new AbortController()).signal, ...given"
        )
        run(seen, stop, address(agent), {"lang": "uz"})
        expect(seen.page.get_by_role("dialog")).to_be_visible()
        seen.page.evaluate("stop.abort()")
        assert seen.page.evaluate("chosen") == "aborted"
        expect(seen.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", ["element", "dialog"])
def test_axe_finds_no_fault(where: str, scheme: str, axe: Path, lab: Lab) -> None:
    with (
        signing_program(listing()) as agent,
        lab.page(color_scheme=scheme, size=PHONE) as seen,
    ):
        if where == "element":
            run(seen, SHOW, address(agent))
        else:
            run(seen, CHOOSE, address(agent), {"lang": "ru"})
        expect(radios(seen)).to_have_count(3)
        red, *_ = seen.page.evaluate(IS_CONTRASTING).removeprefix("rgb(").split(",")
        assert (int(red) > 128) == (scheme == "light")
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert seen.page.evaluate(width) == 0
        seen.page.add_script_tag(path=axe)
        # The blank page around it is not the library's.
        seen.page.evaluate("document.body.style.colorScheme = 'light dark'")
        found = seen.page.evaluate(
            """() => axe.run({ rules: { region: { enabled: false },
              "landmark-one-main": { enabled: false },
              "page-has-heading-one": { enabled: false } } })"""
        )
        assert [(fault["id"], fault["nodes"]) for fault in found["violations"]] == []
        assert len(found["passes"]) > 10
