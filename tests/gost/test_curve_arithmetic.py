"""What the curves are computed with, from fields to multiples, and that it hides its secrets.

Drivers in C reach inside the extension's sources; Python's integers and libgcrypt are the oracles.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.support.c_programs import DRIVERS, compiled
from tests.support.reference_curve import Point, add, encode, multiply
from tunnel_gateway.gost._native import build
from tunnel_gateway.gost._native._gost import ffi, lib
from tunnel_gateway.gost.curves import CURVES, Curve, PublicKey, swap_halves
from tunnel_gateway.gost.signature import verify

WIPE = build.HERE / "gost28147.c"
SOURCES = [*sorted(build.HERE.glob("curve*.c")), WIPE]
DIGESTS = sorted(build.HERE.glob("digest*.c"))
STREAMS = [*sorted(build.HERE.glob("kernel*.c")), build.HERE / "stream.c"]
# Line numbers are enough for valgrind and sanitizers; variables for a debugger take long to follow.
DEBUG = ("-g1", "-fno-var-tracking")
RELEASED = ("-std=c11", *build.WARNINGS, "-O3", *DEBUG, f"-I{build.HERE}")
SANITIZED = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

RANDOM_PAIRS = 5_000
SANITIZED_PAIRS = 1_500  # besides the edges, where a shift or an index would be wrong
RANDOM_MULTIPLES = 200
YES = 2**64 - 1

on_each_curve = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("gcc")
    if found is None:
        pytest.skip("NOT TESTED: the arithmetic of the curves; install gcc and libgcrypt20-dev")
    return found


def run(*command: str | Path, data: bytes = b"") -> bytes:
    """What the command says; an AssertionError with its errors if it fails."""
    finished = subprocess.run(command, input=data, capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr.decode(errors="replace")
    return finished.stdout


def bytes32(number: int) -> bytes:
    return number.to_bytes(32, "big")


def edges(curve: Curve) -> list[int]:
    """Numbers of 256 bits around all that is special, reduced or not."""
    limb_ends = [2**bits for bits in (1, 32, 63, 64, 65, 127, 128, 191, 192, 193, 255, 256)]
    around = [0, *limb_ends, curve.p, curve.n, curve.p // 2, 2**256 - curve.p, 2**256 % curve.n]
    near = {middle + step for middle in around for step in (-1, 0, 1)}
    runs = {(2**64 - 1) << 64 * place for place in range(4)}
    return sorted(number for number in near | runs if 0 <= number < 2**256)


def pairs(curve: Curve, randomness: random.Random, count: int) -> Iterator[tuple[int, int]]:
    yield from product(edges(curve), repeat=2)
    limbs = (0, 1, 2, 2**32, 2**63, 2**64 - 2, 2**64 - 1)

    def number() -> int:
        if randomness.getrandbits(1):
            return randomness.getrandbits(256)
        return int.from_bytes(
            b"".join(
                randomness.choice((*limbs, randomness.getrandbits(64))).to_bytes(8, "big")
                for _ in range(4)
            ),
            "big",
        )

    for _ in range(count):
        yield number(), number()


def expected(curve: Curve, a: int, b: int, inverse: int) -> tuple[int, ...]:
    """The driver's twelve numbers."""
    p, n = curve.p, curve.n
    total, difference = (a + b) % p, (a - b) % p
    # An inverse is told by its product.
    assert inverse * difference % p == (difference != 0)
    assert 0 <= inverse < p
    return (
        total,
        difference,
        0 if difference else YES,
        total * difference % p,
        a * b % p,
        difference * difference % p,
        (total if total % 2 == 0 else total + p) // 2,
        inverse,
        a * b % n,
        a * a % n,
        (a + b) % n,
        YES if 0 < a < n else 0,
    )


def fields_driver(curve: Curve) -> tuple[str | Path, ...]:
    source = f"curve_{curve.name[-1].lower()}.c"
    return (*RELEASED, f'-DCURVE="{source}"', DRIVERS / "fields.c", WIPE)


def compare_with_integers(
    curve: Curve, *program: str | Path, random_pairs: int = RANDOM_PAIRS
) -> None:
    randomness = random.Random(os.urandom(16))  # noqa: S311 (no secret)
    asked = list(pairs(curve, randomness, random_pairs))
    answers = run(*program, data=b"".join(bytes32(a) + bytes32(b) for a, b in asked))
    for at, (a, b) in zip(range(0, len(answers), 12 * 32), asked, strict=True):
        answer = answers[at : at + 12 * 32]
        inverse = int.from_bytes(answer[7 * 32 : 8 * 32], "big")
        assert answer == b"".join(map(bytes32, expected(curve, a, b, inverse))), (a, b)


@on_each_curve
@pytest.mark.parametrize(
    ("flags", "random_pairs"),
    [((), RANDOM_PAIRS), (SANITIZED, SANITIZED_PAIRS)],
    ids=["released", "sanitized"],
)
def test_field_and_scalars_are_pythons_integers(
    compiler: str, curve: Curve, flags: tuple[str, ...], random_pairs: int
) -> None:
    program = compiled(compiler, *fields_driver(curve), *flags, name="fields")
    compare_with_integers(curve, program, random_pairs=random_pairs)


@on_each_curve
def test_field_and_scalars_on_another_processor(curve: Curve) -> None:
    """Carries are another code there, for want of the processor's own instruction."""
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if compiler is None or emulator is None:
        pytest.skip(
            "NOT TESTED: the fields without x86's carries; install gcc-aarch64-linux-gnu,"
            " libc6-dev-arm64-cross and qemu-user"
        )
    program = compiled(compiler, *fields_driver(curve), "-static", name="fields")
    compare_with_integers(curve, emulator, program)


@pytest.fixture(scope="module")
def curve_objects(compiler: str) -> list[Path]:
    """The curves as they are released, compiled once for two drivers."""
    return [
        compiled(compiler, *RELEASED, "-c", source, name=f"{source.stem}.o") for source in SOURCES
    ]


def test_multiples_are_libgcrypts(compiler: str, curve_objects: list[Path]) -> None:
    """The driver's edges are scalars where digits, reduction or addition have their exceptions."""
    sources = (DRIVERS / "groups.c", *curve_objects)
    program = compiled(compiler, *RELEASED, *sources, "-lgcrypt", name="groups")
    assert int(run(program, str(RANDOM_MULTIPLES))) > 3 * 3 * RANDOM_MULTIPLES


def test_secrets_decide_no_branch_and_no_address(compiler: str, curve_objects: list[Path]) -> None:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("NOT TESTED: that secret numbers show in no branch; install valgrind")
    sources = (DRIVERS / "secrets.c", *curve_objects, *DIGESTS, *STREAMS)
    program = compiled(compiler, *RELEASED, *sources, "-lgcrypt", name="secrets")
    watched = (valgrind, "--quiet", "--error-exitcode=99", program)
    assert run(*watched) == b"done\n"
    told = subprocess.run([*watched, "leak"], capture_output=True, check=False)
    assert told.returncode == 99, "a branch on a secret went unnoticed"


def finite_multiple(curve: Curve, scalar: int, point: Point) -> Point:
    return multiply(curve, scalar % curve.n, point)


def point_with_x_from_the_order_on(curve: Curve) -> Point | None:
    """A point with n <= x < p, if there are such x at all; p is 3 modulo 4 then."""
    for x in range(curve.n, min(curve.p, curve.n + 100)):
        square = (x**3 + curve.a * x + curve.b) % curve.p
        y = pow(square, (curve.p + 1) // 4, curve.p)
        if x > curve.n and y * y % curve.p == square:
            return x, y
    return None


@on_each_curve
def test_an_x_above_the_order_is_reduced(curve: Curve) -> None:
    """Such signatures cannot be met by chance: the key is made so that the sum is that point."""
    point = point_with_x_from_the_order_on(curve)
    assert (point is None) == (curve.p < curve.n)
    if point is None:
        return
    z1, z2, r = 0x1234567, 0x7654321, point[0] - curve.n
    rest = add(curve, point, finite_multiple(curve, -z1, (curve.x, curve.y)))
    public_key = PublicKey(curve, encode(finite_multiple(curve, pow(z2, -1, curve.n), rest)))
    v = -z2 * pow(r, -1, curve.n) % curve.n
    e, s = pow(v, -1, curve.n), z1 * pow(v, -1, curve.n) % curve.n
    verify(public_key, bytes32(s) + bytes32(r), e.to_bytes(32, "little"))


@on_each_curve
def test_the_c_side_refuses_what_python_should_have(curve: Curve) -> None:
    name, good, out = curve.native_name, bytes32(3), ffi.new("uint8_t[]", [0xFF] * 64)
    point = swap_halves(encode((curve.x, curve.y)))
    zeros = bytes(64)
    for bad in map(bytes32, (0, curve.n, curve.n + 1, 2**256 - 1)):
        answers = [
            lib.gost_curve_multiply_base(name, bad, out),
            lib.gost_curve_multiply(name, bad, point, out),
            lib.gost_curve_agree(name, bad, bytes(7) + b"\1", point, out),
            lib.gost_curve_sign(name, bad, good, good, out),
            lib.gost_curve_sign(name, good, bad, good, out),
            lib.gost_curve_sign(name, good, good, bad, out),
        ]
        assert answers == [0] * 6
        assert bytes(ffi.buffer(out)) == zeros
    assert not lib.gost_curve_agree(name, good, bytes(8), point, out)
    off_curve = point[:-1] + bytes([point[-1] ^ 1])
    for bad in (zeros, off_curve, b"\xff" * 64):
        assert not lib.gost_curve_multiply(name, good, bad, out)
        assert not lib.gost_curve_agree(name, good, bytes(7) + b"\1", bad, out)
        assert not lib.gost_curve_verify(name, bad, good, bytes32(1) * 2)


@pytest.mark.parametrize("curve", [one for one in CURVES if one.name != "CryptoPro-B"])
def test_coordinates_that_are_not_reduced_are_off_the_curve(curve: Curve) -> None:
    x = next(
        x
        for x in range(2**256 - curve.p)
        if pow(x**3 + curve.a * x + curve.b, (curve.p - 1) // 2, curve.p) == 1
    )
    y = pow(x**3 + curve.a * x + curve.b, (curve.p + 1) // 4, curve.p)
    out = ffi.new("uint8_t[]", 64)
    assert lib.gost_curve_multiply(curve.native_name, bytes32(3), bytes32(x) + bytes32(y), out)
    unreduced = bytes32(x + curve.p) + bytes32(y)
    assert not lib.gost_curve_multiply(curve.native_name, bytes32(3), unreduced, out)
