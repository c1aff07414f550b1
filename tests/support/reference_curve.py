"""Points by the formulas of school, in Python's integers, and the curve of RFC 5832's example."""

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


def multiply(curve: Curve, scalar: int) -> Point:
    """The multiple of the generator by a number above zero and below the order."""
    generator = product = curve.x, curve.y
    for bit in bin(scalar)[3:]:
        product = add(curve, product, product)
        if bit == "1":
            product = add(curve, product, generator)
    return product
