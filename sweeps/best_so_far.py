"""The configuration that leads while a sweep runs. It is shown, and nothing is chosen by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from results.histories import RunHistory
from results.intervals import Interval, t_interval
from results.recorded import CANDIDATE


@dataclass(frozen=True, slots=True)
class Leader:
    """The configuration in the lead.

    Attributes:
        name: its number and its identity.
        interval: of its mean score over the seeds that it has finished.
    """

    name: str
    interval: Interval

    def __str__(self) -> str:
        seeds = "1 seed" if self.interval.n == 1 else f"{self.interval.n} seeds"
        if self.interval.low is None:
            return f"{self.name}: {self.interval.mean:.4f} over {seeds}, no interval"
        return f"{self.name}: {self.interval} over {seeds}"


class BestSoFar:
    """Keeps the scores of finished runs by configuration.

    Those with the most seeds are compared, by their means: one lucky seed does not lead before a mean over several.
    """

    def __init__(self, *, higher_is_better: bool) -> None:
        self._sign = 1.0 if higher_is_better else -1.0
        self._scores: dict[str, dict[int, float]] = {}
        self._names: dict[str, str] = {}

    def add(self, run: RunHistory) -> None:
        """A run has ended. Those of the evaluation never lead: nothing is chosen by them."""
        config_id, seed = run.key.config_id, run.key.seed
        if run.final_score is not None and run.role == CANDIDATE and run.phase != "evaluate":
            self._scores.setdefault(config_id, {})[seed] = run.final_score
            self._names[config_id] = f"#{run.number} {config_id[:8]}"

    def leader(self) -> Leader | None:
        """The configuration in the lead; none before a run has finished."""
        if not self._scores:
            return None
        config_id = max(self._scores, key=lambda name: self._order(self._scores[name]))
        return Leader(self._names[config_id], t_interval(list(self._scores[config_id].values())))

    def _order(self, scores: Mapping[int, float]) -> tuple[int, float]:
        return len(scores), self._sign * sum(scores.values()) / len(scores)
