"""HKDF-Expand-Label (RFC 8446, section 7.1) over HMAC_GOSTR3411: several outputs in one call."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Final

from tunnel_gateway.gost._native._gost import ffi, lib

SECRET_SIZE: Final = 32
# A label with its prefix, the context, and one output have at most so many bytes.
MOST: Final = 255


class Labels:
    """Labels, each with the size of its output in bytes, in the form in which C reads them.

    ``prefix`` stands before each label. Raises ValueError for a label or a size over `MOST`.
    """

    __slots__ = ("_encoded", "_places", "_total")

    def __init__(self, prefix: bytes, *labels: tuple[bytes, int]) -> None:
        if any(len(prefix + label) > MOST or not 0 <= size <= MOST for label, size in labels):
            raise ValueError("a label and its output have at most 255 bytes each")
        self._encoded = b"".join(
            bytes((size, len(prefix + label))) + prefix + label for label, size in labels
        )
        ends = tuple(accumulate((size for _, size in labels), initial=0))
        self._places = tuple(slice(*pair) for pair in pairwise(ends))
        self._total = ends[-1]

    def expand(self, secret: bytes, context: bytes = b"") -> list[bytes]:
        """Return the output for each label, from a 32-byte ``secret``; the context is the same.

        Raises ValueError for a secret or a context of another size.
        """
        if len(secret) != SECRET_SIZE or len(context) > MOST:
            raise ValueError("the secret has 32 bytes, and the context at most 255")
        out = ffi.new("uint8_t[]", self._total)
        encoded = self._encoded
        if not lib.hkdf_expand_labels(
            secret, encoded, len(encoded), context, len(context), out, self._total
        ):
            raise MemoryError
        outputs = ffi.buffer(out)
        return [outputs[place] for place in self._places]
