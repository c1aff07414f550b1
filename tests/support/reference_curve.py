"""Points, signatures and agreements by the formulas of school, in Python's integers.

The published examples of RFC 5832 and of VKO lie on a curve with a = 7, which the extension does
not know: they are known answers for this reference, and the extension is compared with it.
"""

from __future__ import annotations

from typing import Final

from tests.vectors import load
from tunnel_gateway.gost.curves import CURVES, Curve

Point = tuple[int, int]

_EXAMPLE = load("signature")["example_curve"]
EXAMPLE_CURVE: Final = Curve(
    name=_EXAMPLE["name"],
    **{name: int(_EXAMPLE[name], 16) for name in ("p", "a", "b", "n", "x", "y")},
)
CURVES_BY_NAME: Final = {curve.name: curve for curve in (*CURVES, EXAMPLE_CURVE)}


def encode(point: Point) -> bytes:
    """x then y, each 32 bytes little-endian."""
    x, y = point
    return x.to_bytes(32, "little") + y.to_bytes(32, "little")


def add(curve: Curve, first: Point, second: Point) -> Point:
    """The sum of two finite points; ValueError if that is infinity."""
    (x1, y1), (x2, y2) = first, second
    if first == second:
        slope = (3 * x1 * x1 + curve.a) * pow(2 * y1, -1, curve.p)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, curve.p)
    x3 = (slope * slope - x1 - x2) % curve.p
    return x3, (slope * (x1 - x3) - y1) % curve.p


def multiply(curve: Curve, scalar: int, point: Point | None = None) -> Point:
    """The multiple of a point, or of the generator, by a number from 1 to the order less one."""
    point = product = point or (curve.x, curve.y)
    for bit in bin(scalar)[3:]:
        product = add(curve, product, product)
        if bit == "1":
            product = add(curve, product, point)
    return product


def sign(curve: Curve, d: int, e: int, k: int) -> tuple[int, int]:
    """s and r (RFC 5832, section 6.1)."""
    r = multiply(curve, k)[0] % curve.n
    return (r * d + k * e) % curve.n, r


def accepts(curve: Curve, point: Point, e: int, s: int, r: int) -> bool:
    """Whether s and r, in range, sign e (RFC 5832, section 6.2)."""
    v = pow(e, -1, curve.n)
    left = multiply(curve, s * v % curve.n)
    right = multiply(curve, -r * v % curve.n, point)
    return add(curve, left, right)[0] % curve.n == r


def agree(curve: Curve, d: int, point: Point, ukm: int) -> Point:
    """The shared point of VKO (RFC 4357, section 5.2)."""
    return multiply(curve, d * ukm % curve.n, point)
