"""The package: what is in it, how large it is, and what it says of itself."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import PROJECT
from tests.support.web_library import SOURCE, Lab, run

MAX_BYTES = 6 * 1024
CODES = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def test_what_is_in_the_package(package: Path) -> None:
    files = {path.name for path in package.iterdir()}
    sources = {path.name for path in SOURCE.glob("*.js")}
    assert files == sources | {"index.d.ts", "package.json", "README.md", "LICENSE"}
    assert (package / "LICENSE").read_bytes() == (PROJECT / "LICENSE").read_bytes()
    about = json.loads((package / "package.json").read_text("utf-8"))
    assert not {"dependencies", "peerDependencies", "scripts"}.intersection(about)
    version = re.search(
        r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert version is not None
    assert about["version"] == version[1]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundler, a minifier and the compiler of types, from the registry of npm."""
    folder = tmp_path_factory.mktemp("tools")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    try:
        subprocess.run(
            [*command, "esbuild@0.28.2", "terser@5.51.4", "typescript@7.0.2"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=180,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        pytest.skip(f"the tools cannot be installed: {fault}")
    return folder / "node_modules" / ".bin"


def test_it_is_small(package: Path, tools: Path, tmp_path: Path) -> None:
    whole, small = tmp_path / "whole.js", tmp_path / "small.js"
    subprocess.run(
        [tools / "esbuild", package / "index.js", "--bundle", "--minify", "--format=esm",
         "--charset=utf8", "--log-level=error", f"--outfile={whole}"],
        check=True,
    )  # fmt: skip
    subprocess.run(
        [tools / "terser", whole, "--module", "--mangle", "--compress", "passes=3,ecma=2022",
         "--output", small],
        check=True,
    )  # fmt: skip
    assert len(gzip.compress(small.read_bytes(), 9)) <= MAX_BYTES


def test_the_types_fit_the_example(package: Path, tools: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path / "node_modules" / "tunnel-gateway-web")
    readme = (package / "README.md").read_text("utf-8")
    given = "declare const API_KEY: string;\n"
    for number, example in enumerate(
        re.findall(r"^```js\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    ):
        (tmp_path / f"example{number}.ts").write_text(given + example, "utf-8")
    subprocess.run(
        [tools / "tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "esnext",
         "--moduleResolution", "bundler", "--lib", "es2022,dom", *tmp_path.glob("*.ts")],
        cwd=tmp_path, check=True,
    )  # fmt: skip


def test_the_types_have_every_name(package: Path) -> None:
    index = (package / "index.js").read_text("utf-8")
    names = {name for names in re.findall(r"\{ (.+) \}", index) for name in names.split(", ")}
    types = (package / "index.d.ts").read_text("utf-8")
    declared = set(re.findall(r"^export (?:function|class) (\w+)", types, re.MULTILINE))
    assert declared == names


def test_a_server_may_import_it(package: Path) -> None:
    """A program that makes pages on a server imports the scripts of the page, too."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is missing")
    lines = "import('./index.js').then((web) => console.log(typeof web.openTunnel))"
    done = subprocess.run([node, "-e", lines], cwd=package, check=True, capture_output=True)
    assert done.stdout == b"function\n"


def test_what_a_user_can_mend_has_a_text(lab: Lab) -> None:
    """The other codes are for the owner of the site."""
    document = (PROJECT / "docs" / "for-page-developers.md").read_text("utf-8")
    section = document.split("\n## Refusals\n")[1].split("\n## ")[0]
    codes = [code for row in CODES.findall(section) for code in re.findall(r"\w+", row)]
    with lab.page() as seen:
        texts = run(
            seen,
            "return given[0].map((code) => [code, new web.AgentError(code, 'why').text('en')]);",
            codes,
        )
    owners = {code for code, text in texts if text.startswith("It failed. Tell the site’s owner")}
    users = {
        "busy", "cancelled", "cannot_ask", "destination_busy", "destination_unreachable",
        "disk_not_found", "disk_silent", "file_not_found", "gateway_unreachable", "https_required",
        "key_not_found", "key_unusable", "not_permitted", "overloaded", "password_timeout",
        "rate_limited", "shutting_down", "timed_out", "too_many_sockets", "too_many_tunnels",
        "wrong_password",
    }  # fmt: skip
    assert users <= set(codes) - owners
    assert owners >= {"bad_call", "api_key_missing", "no_gateway", "certificate_untrusted"}


def test_uzbek_in_cyrillic(lab: Lab) -> None:
    source = (SOURCE / "texts.js").read_text("utf-8")
    names = re.findall(r"^  (\w+): \[", source, re.MULTILINE)
    with lab.page() as seen:
        texts = seen.page.evaluate(
            """async (names) => {
              const { say } = await import("/web/language.js");
              return names.map((name) => say(name, "uz-Cyrl", { code: "bad_call", message: "x" }));
            }""",
            names,
        )
    assert dict(zip(names, texts, strict=True)) == {
        "no_agent": "Имзо агенти топилмади. Уни ишга туширинг.",
        "not_allowed": "Браузер қурилмадаги иловаларни тақиқлаган."
        " Сайт созламаларида рухсат беринг ва саҳифани янгиланг.",
        "https_required": "Саҳифани https орқали очинг.",
        "cancelled": "Бекор қилинди.",
        "password": "Тўғри парол киритилмади. Яна уриниб кўринг.",
        "key": "Калит ўқилмади. Унинг дискини уланг ёки бошқа калитни танланг.",
        "no_keys": "Яроқли калит топилмади. Калитлар дискини уланг.",
        "not_permitted": "Бу калитга рухсат йўқ. Бошқа калитни танланг.",
        "closed": "Уланиш ёпилди.",
        "later": "Хизмат билан алоқа йўқ. Бироздан кейин уриниб кўринг.",
        "other": "Бажарилмади. Сайт маъмурига айтинг: bad_call, x",
        "permission": "Браузер қурилмадаги иловаларга рухсат сўрайди. Рухсат беринг.",
        "cancel": "Бекор қилиш",
        "choose": "Калитни танланг",
        "pinfl": "ЖШШИР",
        "inn": "СТИР",
        "over": "Амал қилмайди:",
        "silent": "Жавоб бермаётган дисклар:",
    }
