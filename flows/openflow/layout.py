"""Bytes in which only some numbers differ: their layout is computed once, then numbers are filled in fast."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from struct import Struct

Numbers = tuple[int, ...]

_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q", 16: "16s"}
_WIDE = 16
"""Bytes of an IPv6 address: :mod:`struct` takes these as bytes."""


class Layout:
    """Where an encoder puts its numbers.

    The encoder is asked once with every number 0, and once for each number with all its bits set: the bytes that
    differ are where that number goes. So an encoder must put each number into bytes of its own, highest byte first,
    as often as it likes; everything else must stay as it is.
    """

    def __init__(self, encode: Callable[[Numbers], bytes], bits: Sequence[int]) -> None:
        """``bits``: how many each number has."""
        empty = encode((0,) * len(bits))
        holes: list[tuple[int, int, int]] = []
        for index, width in enumerate(bits):
            full = encode(tuple((1 << width) - 1 if at == index else 0 for at in range(len(bits))))
            holes += [(*run, index) for run in _runs(empty, full)]
        formats, literals, picked = ["!"], list[bytes](), list[int]()
        self._wide = tuple(index for index, width in enumerate(bits) if width > 8 * (_WIDE // 2))
        self._shifted: list[tuple[int, int]] = []
        """Numbers that share their bytes with something that is always there: which, and what is added to it."""
        end = 0
        for start, stop, index in sorted(holes):
            always = int.from_bytes(empty[start:stop])
            literals.append(empty[end:start])
            picked += [-len(literals), len(bits) + len(self._shifted) if always else index]
            if always:
                self._shifted.append((index, always))
            formats += [f"{start - end}s", _FORMATS[stop - start]]
            end = stop
        literals += [empty[end:], b""]
        formats += [f"{len(empty) - end}s", "0s"]  # two at least, for itemgetter to give a tuple
        picked += [1 - len(literals), -len(literals)]
        self._literals = tuple(reversed(literals))
        self._pick = itemgetter(*picked)
        self._pack = Struct("".join(formats)).pack

    def __call__(self, numbers: Numbers) -> bytes:
        """The bytes that the encoder would give for these numbers."""
        if self._shifted:
            numbers += tuple([numbers[index] + always for index, always in self._shifted])
        if self._wide:
            given = tuple([n.to_bytes(_WIDE) if at in self._wide else n for at, n in enumerate(numbers)])
            return self._pack(*self._pick(given + self._literals))
        return self._pack(*self._pick(numbers + self._literals))


def _runs(empty: bytes, full: bytes) -> list[tuple[int, int]]:
    """Where two encodings differ, in pieces of as many bytes as :mod:`struct` knows."""
    if len(empty) != len(full):
        raise ValueError("the length depends on a number")
    runs: list[tuple[int, int]] = []
    start = None
    for at in range(len(empty) + 1):
        differs = at < len(empty) and empty[at] != full[at]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            size = next(size for size in _FORMATS if size >= at - start)
            runs.append((at - size, at))
            start = None
    return runs
