"""The seed plan of a sweep, and the jobs that it leads to."""

from __future__ import annotations

from dataclasses import dataclass

from causalmer_core.config import RunConfig, config_id
from results.records import RunKey


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


@dataclass(frozen=True, slots=True)
class Job:
    """One run to do.

    Attributes:
        config: the configuration.
        seed: the replicate.
        phase: what it is done for, such as `search` or `confirm`.
        role: what the configuration is, such as `candidate`, `paper` or `undebiased`.
        number: the proposal's number in the search, or the rank of a configuration in later phases.
    """

    config: RunConfig
    seed: int
    phase: str
    role: str
    number: int

    @property
    def key(self) -> RunKey:
        """The run's key in all records."""
        return RunKey(config_id(self.config), self.seed)
