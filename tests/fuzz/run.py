"""The coverage-guided fuzzer: ``make fuzz`` runs it for every target, for a few seconds each.

``python -m tests.fuzz.run TARGET [OPTION…]`` runs one; the options are those of libFuzzer, for
example ``-max_total_time=60`` or the path of an input that failed. It starts from the seeds of
the target, and it ends with the first error that is not one of the target's own, with the first
input that takes more than half a minute, or with one that takes more than a gigabyte.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["asn1crypto", "javaproperties", "tunnel_gateway"]):
    from tests.fuzz.targets import TARGETS
    from tunnel_gateway.pki.files import pbe

LIMITS = ("-timeout=30", "-rss_limit_mb=1024", "-print_final_stats=1")


def main() -> None:
    """Run one target with the arguments of the command line."""
    name, *options = sys.argv[1:]
    target = TARGETS[name]
    logging.disable()
    # A change often asks for millions of rounds; that they are bounded is tested elsewhere.
    pbe.MAX_ROUNDS = 5000  # type: ignore[misc]  # Final, but not for this program
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *LIMITS, f"-max_len={target.limit}", *options, corpus], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
