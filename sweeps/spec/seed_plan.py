"""The seed plan of a sweep: the seeds of each phase."""

from __future__ import annotations

from dataclasses import dataclass

EVALUATE_OFFSET = 1000
"""The distance of the evaluation's seeds from the first seed: the other seeds may grow in number up to it."""


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """The seeds of each phase.

    Attributes:
        search: the seeds of every proposed configuration.
        confirm: further seeds of the best configurations, in the order of the confirmation.
        evaluate: the seeds of the final evaluation's contenders. No selection sees them, because the scores that
            selected a configuration are optimistic for it.
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
        """The plan with these numbers of seeds.

        The search has the seeds from `first` on, the confirmation the next ones, and the evaluation those from
        `first + 1000` on.
        """
        fresh, unseen = first + search, first + EVALUATE_OFFSET
        return SeedPlan(
            tuple(range(first, fresh)),
            tuple(range(fresh, fresh + confirm)),
            tuple(range(unseen, unseen + evaluate)),
        )
