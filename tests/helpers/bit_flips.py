"""Single flipped bits in a file, seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator


def flips(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The content with one bit flipped, so many times, each at another place."""
    for bit in random.Random(seed).sample(range(8 * len(content)), count):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def flipped(content: bytes, place: int) -> bytes:
    """The content with the lowest bit of one byte flipped."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
