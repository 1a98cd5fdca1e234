"""The seed plan of a sweep: which replicates serve which purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """Which seeds are for what.

    Attributes:
        search: every proposed configuration runs on these.
        confirm: the best configurations run on these as well; none of them is among the search seeds, because
            a score that got a configuration chosen overstates it.
    """

    search: tuple[int, ...]
    confirm: tuple[int, ...]

    def __post_init__(self) -> None:
        if set(self.search) & set(self.confirm):
            raise ValueError(f"seeds are both for search and for confirmation: {self.search}, {self.confirm}")

    @property
    def all(self) -> tuple[int, ...]:
        """Search seeds, then confirmation seeds."""
        return self.search + self.confirm

    @staticmethod
    def counted(search: int, confirm: int, first: int = 0) -> SeedPlan:
        """`search` seeds from `first` on, and after them `confirm` fresh ones. Seed 0 is a seed like any other."""
        fresh = first + search
        return SeedPlan(tuple(range(first, fresh)), tuple(range(fresh, fresh + confirm)))
