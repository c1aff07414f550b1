"""A pinentry for tests: a real program that speaks Assuan and answers as its script says.

Its folder has ``answers``, of which each run takes the first line: ``pin TEXT``, ``cancel``,
``error``, ``hang``, ``rubbish`` or ``quit``; and ``heard``, to which it adds what it was told.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path

PROGRAM = """\
#!{python}
import sys, time
from pathlib import Path
folder = Path({folder!r})
lines = (folder / "answers").read_text().splitlines()
(folder / "answers").write_text("\\n".join(lines[1:]))
answer = lines[0] if lines else "cancel"
def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()
heard = open(folder / "heard", "a", encoding="utf-8", buffering=1)
if answer == "quit":
    sys.exit(0)
say("OK Pleased to meet you")
for line in sys.stdin:
    heard.write(line)
    if not line.startswith("GETPIN"):
        refused = line.split()[0] in (folder / "refused").read_text().split()
        unknown = refused or line.startswith("OPTION ttytype")
        say("ERR 83886254 Unknown option" if unknown else "OK")
    elif answer.startswith("pin "):
        say("S PASSWORD_FROM_CACHE no")
        say("D " + answer[4:].replace("%", "%25"))
        say("OK")
    elif answer == "cancel":
        say("ERR 83886179 Operation cancelled <Pinentry>")
    elif answer == "error":
        say("ERR 83918950 Inappropriate ioctl for device <Pinentry>")
    elif answer == "hang":
        time.sleep(600)
    else:
        while True:
            say("# rubbish")
"""


class FakePinentry:
    """The program, its script and what it heard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "pinentry"
        self.path.write_text(
            PROGRAM.format(python=sys.executable, folder=str(folder)), encoding="utf-8"
        )
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)
        self.refuse()
        self.script()

    def refuse(self, *commands: str) -> None:
        """Let the program know none of these commands."""
        (self._folder / "refused").write_text(" ".join(commands), encoding="utf-8")

    def script(self, *answers: str) -> None:
        (self._folder / "answers").write_text("\n".join(answers), encoding="utf-8")

    def heard(self, word: str) -> list[str]:
        """Every line that began with ``word``, in all runs."""
        path = self._folder / "heard"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if line.split(" ")[0] == word]
