"""The seed plan of a sweep: which replicates serve which purpose."""

from __future__ import annotations

from dataclasses import dataclass

EVALUATE_OFFSET = 1000
"""The evaluation's seeds begin so far behind the first: the others may grow in number without meeting them."""


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """Which seeds are for what.

    Attributes:
        search: every proposed configuration runs on these.
        confirm: the best configurations run on these as well, in this order.
        evaluate: the selected configuration and those it is held against run on these; no selection sees them, because
            a score that got a configuration chosen overstates it.
    """

    search: tuple[int, ...]
    confirm: tuple[int, ...]
    evaluate: tuple[int, ...]

    def __post_init__(self) -> None:
        every = (*self.search, *self.confirm, *self.evaluate)
        if len(set(every)) != len(every):
            raise ValueError(f"a seed serves two purposes: {self.search}, {self.confirm}, {self.evaluate}")

    def search_blocks(self, size: int) -> tuple[tuple[int, ...], ...]:
        """The search's seeds in blocks of at most `size`, in their order."""
        return tuple(self.search[start : start + size] for start in range(0, len(self.search), size))

    @staticmethod
    def counted(search: int, confirm: int, evaluate: int, first: int = 0) -> SeedPlan:
        """`search` seeds from `first` on, after them `confirm` fresh ones, and from `first + 1000` on `evaluate` more.
        Seed 0 is a seed like any other.
        """
        fresh, unseen = first + search, first + EVALUATE_OFFSET
        return SeedPlan(
            tuple(range(first, fresh)),
            tuple(range(fresh, fresh + confirm)),
            tuple(range(unseen, unseen + evaluate)),
        )
