"""Sign-in and signed documents, by our agent or by E-IMZO."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import LOOPBACK
from tests.support.signing_programs import SigningProgram, eimzo, signing_program
from tests.support.web_library import Lab, run


def at(agent: SigningProgram, **more: Any) -> dict[str, Any]:
    return {"apiKey": "A1", "addresses": [f"ws://{LOOPBACK}:{agent.port}"], **more}


def signed(text: str) -> str:
    return base64.b64encode(b"signed " + text.encode()).decode()


@pytest.mark.parametrize("program", [signing_program, eimzo])
def test_sign_in(program: Any, lab: Lab) -> None:
    with program() as agent, lab.page() as seen:
        lab.site.asked.clear()
        assert run(seen, "return web.signIn(given[0]);", at(agent)) == {
            "user": signed("a challenge")
        }
        assert lab.site.asked[-2:] == [
            ("/frontend/challenge", ""),
            ("/session", signed("a challenge")),
        ]
        assert agent.calls[-1][0] == "pkcs7.create_pkcs7"
        assert agent.calls[-1][3] == "no"


@pytest.mark.parametrize(
    "document",
    ["'o‘zbek'", "new TextEncoder().encode('o‘zbek')", "new Blob(['o‘zbek'])"],
)
def test_documents(document: str, lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = f"return web.sign({{ document: {document}, ...given[0] }});"
        assert run(seen, lines, at(agent))["pkcs7"] == signed("o‘zbek")


def test_detached_stamped_and_sent(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        options = at(agent, document="", detached=True, post="/text")
        stamped = run(
            seen,
            "return web.sign({ timestamp: '/frontend/timestamp/pkcs7', ...given[0] });",
            options,
        )
        assert stamped == {
            "pkcs7": f"stamped {signed('')}",
            "answer": f"got stamped {signed('')}",
        }
        assert agent.calls[-1][3] == "yes"


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/refused", "challenge_unknown", "no"),
        ("/no", "document_changed", "changed"),
        ("/error", "site_refused", "HTTP 500"),
    ],
)
def test_the_site_says_no(path: str, code: str, message: str, lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        refusal = run(seen, "return web.signIn(given[0]);", at(agent, post=path))
        assert (refusal["code"], refusal["message"]) == (code, message)


def test_the_site_is_away(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        seen.page.route("**/frontend/challenge", lambda route: route.abort())
        refusal = run(seen, "return web.signIn(given[0]);", at(agent))
        assert refusal["code"] == "site_away"
        assert refusal["uz"].startswith("Xizmat bilan aloqa yo‘q")
        assert agent.calls == []


def test_a_signal_ends_it(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = "return web.signIn({ signal: AbortSignal.abort(), ...given[0] });"
        refusal = run(seen, lines, at(agent))
        assert (refusal["code"], refusal["uz"]) == ("aborted", "Bekor qilindi.")


def test_a_file_that_is_gone(lab: Lab, tmp_path: Path) -> None:
    with signing_program() as agent, lab.page() as seen:
        seen.page.evaluate(
            "document.body.append(Object.assign(document.createElement('input'), { type: 'file' }))"
        )
        file = tmp_path / "document"
        file.write_bytes(bytes(1000))
        seen.find("input").set_input_files(file)
        file.write_bytes(bytes(2000))
        lines = """const [document] = globalThis.document.querySelector("input").files;
          return web.sign({ document, ...given[0] });"""
        assert run(seen, lines, at(agent))["code"] == "file_unreadable"
