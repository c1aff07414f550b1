"""The examples of docs/for-backends.md as programs that answer calls line by line.

A line has the name of a function and its arguments, with tabs between them. The answer is a line of
JSON: what the function returns, or the answer with which it refuses.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import PROJECT, TIME_LIMIT

PAGE = PROJECT / "docs" / "for-backends.md"
FUNCTIONS = (
    "challenge",
    "sign_in",
    "timestamp",
    "verify_attached",
    "verify_detached",
    "make_attached",
    "join",
    "mobile_auth",
    "mobile_sign",
    "mobile_status",
    "mobile_authenticate",
    "mobile_verify",
)
SERVER = "http://127.0.0.1:8080"
_JACKSON = ("annotations", "core", "databind")
_LIMIT = 1024 * 1024


def example(heading: str) -> str:
    """Return the client in the section of a language."""
    section = PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1]
    found = re.search(r"^```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(map(str.capitalize, more))


_SH = """
tab=$(printf '\\t')
while IFS=$tab read -r name user first second; do
    "$name" "$user" ${first:+"$first"} ${second:+"$second"}
    echo
done
"""
_PHP = """
while (($line = fgets(STDIN)) !== false) {
    [$name, $arguments] = [strtok($line, "\\t\\n"), array_slice(explode("\\t", trim($line)), 1)];
    try {
        $answer = ("eimzo_" . $name)(...$arguments);
    } catch (EimzoException $refusal) {
        $answer = $refusal->answer;
    }
    echo json_encode($answer), "\\n";
}
"""
_PYTHON = """
import sys

for line in sys.stdin:
    name, *arguments = line.rstrip("\\n").split("\\t")
    try:
        answer = globals()[name](*arguments)
    except EimzoError as refusal:
        answer = refusal.answer
    print(json.dumps(answer), flush=True)
"""
_NODE = f"""
const functions = {{ {", ".join(f"{name}: {camel(name)}" for name in FUNCTIONS)} }};
const lines = require("readline").createInterface({{ input: process.stdin }});
(async () => {{
  for await (const line of lines) {{
    const [name, ...values] = line.split("\\t");
    const answer = await functions[name](...values).catch((refusal) => refusal.answer);
    console.log(JSON.stringify(answer));
  }}
}})();
"""
# How many arguments a function has beside the user; the others have two.
_NONE = {"challenge", "mobile_auth", "mobile_sign"}
_ONE = {"timestamp", "sign_in", "verify_attached", "mobile_status", "mobile_authenticate"}


def _java_case(name: str) -> str:
    count = 1 if name in _NONE else 2 if name in _ONE else 3
    values = ", ".join(f"a[{number}]" for number in range(1, count + 1))
    return f'case "{name}": return Eimzo.{camel(name)}({values});'


_JAVA = f"""
class Main {{
    static JsonNode one(String[] a) throws Exception {{
        switch (a[0]) {{
            {" ".join(map(_java_case, FUNCTIONS))}
            default: throw new IllegalArgumentException(a[0]);
        }}
    }}

    public static void main(String[] none) throws Exception {{
        var in = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {{
            JsonNode answer;
            try {{
                answer = one(line.split("\\t"));
            }} catch (Eimzo.Refusal refusal) {{
                answer = refusal.answer;
            }}
            System.out.println(answer);
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Language:
    """How an example of a language is run: its heading, its file, what is put behind it."""

    heading: str
    file: str
    driver: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    driver_before: str = ""  # if it does not stand at the end

    def missing(self) -> str | None:
        """Return what is not installed, None if all is there."""
        programs = (self.command[0], *self.needs)
        for program in programs:
            if shutil.which(program) is None and not Path(program).is_file():
                return f"{program} is not installed"
        return None

    def write(self, folder: Path, server: str) -> Path:
        """Write the program, which calls the service at ``server``."""
        client = example(self.heading)
        assert client.count(SERVER) == 1
        path = folder / self.file
        client = client.replace(SERVER, server)
        end = client.index(self.driver_before) if self.driver_before else len(client)
        path.write_text(client[:end] + self.driver + client[end:], "utf-8")
        return path


_JARS = tuple(f"/usr/share/java/jackson-{name}.jar" for name in _JACKSON)
LANGUAGES = (
    Language("curl", "example.sh", _SH, ("sh",), ("curl",)),
    Language("PHP", "example.php", _PHP, ("php",)),
    Language("Python", "example.py", _PYTHON, ("python3",)),
    Language("Node", "example.cjs", _NODE, ("node",)),
    Language(
        "Java",
        "Eimzo.java",
        _JAVA,
        ("java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(_JARS)),
        ("javac", *_JARS),
        driver_before="final class Eimzo",
    ),
)


class Client:
    """An example that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def call(self, name: str, *arguments: str) -> dict[str, Any]:
        """Call one of FUNCTIONS, and return the answer or the refusal."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\t".join((name, *arguments)).encode() + b"\n")
        await process.stdin.drain()
        async with asyncio.timeout(TIME_LIMIT):
            line = await process.stdout.readline()
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def started(language: Language, folder: Path, server: str) -> AsyncIterator[Client]:
    """Run an example."""
    process = await asyncio.create_subprocess_exec(
        *language.command,
        language.write(folder, server),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LIMIT,
    )
    try:
        yield Client(process)
    finally:
        process.kill()
        await process.communicate()
