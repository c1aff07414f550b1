"""The three CryptoPro curves of RFC 4357 (section 11.4), and keys on them.

The curves have prime order, so every point but infinity generates the whole group: a point
that satisfies the equation needs no further check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tunnel_gateway.errors import InvalidKeyError, InvalidPointError
from tunnel_gateway.gost import memory_lock
from tunnel_gateway.gost._native._gost import ffi, lib

SCALAR_SIZE: Final = 32
POINT_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class Curve:
    """y² = x³ + ax + b over the integers modulo p; (x, y) generates a group of order n."""

    name: str
    p: int
    a: int
    b: int
    n: int
    x: int
    y: int

    @property
    def native_name(self) -> bytes:
        """The name by which the C side knows the curve."""
        return self.name.encode()

    def contains(self, x: int, y: int) -> bool:
        """Tell whether x and y are reduced and satisfy the equation."""
        return (
            0 <= x < self.p
            and 0 <= y < self.p
            and (y * y - (x * x * x + self.a * x + self.b)) % self.p == 0
        )


CRYPTOPRO_A: Final = Curve(
    name="CryptoPro-A",
    p=2**256 - 617,
    a=2**256 - 620,
    b=166,
    n=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893,
    x=1,
    y=0x8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14,
)
CRYPTOPRO_B: Final = Curve(
    name="CryptoPro-B",
    p=2**255 + 3225,
    a=2**255 + 3222,
    b=0x3E1AF419A269A5F866A7D3C25C3DF80AE979259373FF2B182F49D4CE7E1BBC8B,
    n=0x800000000000000000000000000000015F700CFFF1A624E5E497161BCC8A198F,
    x=1,
    y=0x3FA8124359F96680B83D1C3EB2C070E5C545C9858D03ECFB744BF8D717717EFC,
)
CRYPTOPRO_C: Final = Curve(
    name="CryptoPro-C",
    p=0x9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B,
    a=0x9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D7598,
    b=32858,
    n=0x9B9F605F5A858107AB1EC85E6B41C8AA582CA3511EDDFB74F02F3A6598980BB9,
    x=0,
    y=0x41ECE55743711A8C3CBF3783CD08C0EE4D4DC440D4641A8F366E550DFDB3BB67,
)
CURVES: Final = (CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point of a curve: x then y, each 32 bytes little-endian, as certificates hold it.

    Raises InvalidPointError for anything that is not a finite point of the curve.
    """

    curve: Curve
    encoded: bytes

    def __post_init__(self) -> None:
        if len(self.encoded) != POINT_SIZE:
            raise InvalidPointError(f"a point has 64 bytes, not {len(self.encoded)}")
        x = int.from_bytes(self.encoded[:SCALAR_SIZE], "little")
        y = int.from_bytes(self.encoded[SCALAR_SIZE:], "little")
        if not self.curve.contains(x, y):
            raise InvalidPointError(f"not a point of the curve {self.curve.name}")

    def native(self) -> bytes:
        """Return x then y big-endian, as the C side takes a point."""
        return swap_halves(self.encoded)


# Checks with a key before its table is worth its time.
_FEW_CHECKS: Final = 8


class FrequentKey:
    """A public key that has signed much: after some checks it has a table of its multiples.

    The table takes 52 KB and the time of ten checks, so this is for own keys and those of known
    centres. Threads may share it: the worst case is that two of them compute the same table.
    """

    __slots__ = ("_checks", "_table", "public_key")

    def __init__(self, public_key: PublicKey) -> None:
        self.public_key = public_key
        self._checks = 0
        self._table: Any = None

    def table(self) -> Any:
        """Return the table for the next check, as the C side takes it; None for the first ones."""
        self._checks += 1
        if self._table is None and self._checks > _FEW_CHECKS:
            key = self.public_key
            known = lib.gost_curve_know(key.curve.native_name, key.native())
            if known != ffi.NULL:  # else there is no memory for it, and there may be some later
                self._table = ffi.gc(known, lib.gost_curve_forget)
        return self._table


class PrivateKey:
    """A number d with 0 < d < n, as 32 bytes big-endian.

    Raises InvalidKeyError for any other value. Equality is not defined: secrets are not
    compared with ``==``.
    """

    __slots__ = ("_d", "_frequent_key", "curve")

    def __init__(self, curve: Curve, d: bytes) -> None:
        if len(d) != SCALAR_SIZE or not 0 < int.from_bytes(d, "big") < curve.n:
            raise InvalidKeyError(f"not a private key of the curve {curve.name}")
        self.curve = curve
        self._d = bytearray(d)
        self._frequent_key: FrequentKey | None = None

    def __repr__(self) -> str:
        return f"PrivateKey({self.curve.name}, secret)"

    @classmethod
    def generate(cls, curve: Curve, entropy: Callable[[int], bytes]) -> PrivateKey:
        """Make a key from 64 bytes of ``entropy``, enough for no bias to remain modulo n."""
        wide = int.from_bytes(entropy(2 * SCALAR_SIZE), "big")
        return cls(curve, (wide % (curve.n - 1) + 1).to_bytes(SCALAR_SIZE, "big"))

    def to_bytes(self) -> bytes:
        """Return a copy of the secret number, 32 bytes big-endian, to write it to a key file."""
        self._refuse_if_wiped()
        return bytes(self._d)

    def native(self) -> Any:
        """Return the secret number in place, as the C side takes it.

        Raises InvalidKeyError if the key was wiped.
        """
        self._refuse_if_wiped()
        return ffi.from_buffer("uint8_t[]", self._d)

    def lock(self) -> bool:
        """Keep the secret number out of swap; False if the system does not allow it."""
        return memory_lock.lock(self._d)

    def wipe(self) -> None:
        """Overwrite the secret number; the key cannot be used any more."""
        self._d[:] = bytes(SCALAR_SIZE)

    def _refuse_if_wiped(self) -> None:
        if not any(self._d):
            raise InvalidKeyError("the key was forgotten, and its number overwritten")

    def public_key(self) -> PublicKey:
        """Multiply the generator, when first asked; a third of a signature check."""
        return self.frequent_key().public_key

    def frequent_key(self) -> FrequentKey:
        """Return the public key, always the same object, to check what this key has signed."""
        if self._frequent_key is None:
            product = ffi.new("uint8_t[]", POINT_SIZE)
            lib.gost_curve_multiply_base(self.curve.native_name, self.native(), product)
            public_key = PublicKey(self.curve, swap_halves(bytes(ffi.buffer(product))))
            self._frequent_key = FrequentKey(public_key)
        return self._frequent_key


def swap_halves(point: bytes) -> bytes:
    """Turn each 32-byte half round: big-endian to little-endian and back."""
    return point[SCALAR_SIZE - 1 :: -1] + point[: SCALAR_SIZE - 1 : -1]
