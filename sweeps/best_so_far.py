"""The configuration that leads while a sweep runs. It is shown, and nothing is chosen by it."""

from __future__ import annotations

from dataclasses import dataclass

from results.goals import Goals, Measured
from results.histories import RunHistory
from results.intervals import Interval, t_interval
from results.measured import mean_measured, measured
from results.recorded import CANDIDATE


@dataclass(frozen=True, slots=True)
class Leader:
    """The configuration in the lead.

    Attributes:
        name: its number and its identity.
        interval: of its mean score over the seeds that it has finished.
        broken: the constraints that its means violate, in words.
    """

    name: str
    interval: Interval
    broken: tuple[str, ...] = ()

    def __str__(self) -> str:
        seeds = "1 seed" if self.interval.n == 1 else f"{self.interval.n} seeds"
        broken = "".join(f"; {words}" for words in self.broken)
        if self.interval.low is None:
            return f"{self.name}: {self.interval.mean:.4f} over {seeds}, no interval{broken}"
        return f"{self.name}: {self.interval} over {seeds}{broken}"


class BestSoFar:
    """Keeps the scores of finished runs by configuration.

    Of those that violate no constraint, while there are any, those with the most seeds are compared, by their means:
    one lucky seed does not lead before a mean over several.

    Args:
        higher_is_better: of the score.
        goals: the constraints; among several objectives the first leads.
    """

    def __init__(
        self,
        *,
        higher_is_better: bool,
        goals: Goals = Goals(),  # noqa: B008 - frozen
    ) -> None:
        self._sign = 1.0 if higher_is_better else -1.0
        self._goals = goals
        self._scores: dict[str, dict[int, float]] = {}
        self._measured: dict[str, dict[int, Measured]] = {}
        self._names: dict[str, str] = {}

    def add(self, run: RunHistory) -> None:
        """A run has ended. Those of the evaluation never lead: nothing is chosen by them."""
        config_id, seed = run.key.config_id, run.key.seed
        if run.final_score is not None and run.role == CANDIDATE and run.phase != "evaluate":
            self._scores.setdefault(config_id, {})[seed] = run.final_score
            self._measured.setdefault(config_id, {})[seed] = measured(run, self._goals.measures)
            self._names[config_id] = f"#{run.number} {config_id[:8]}"

    def leader(self) -> Leader | None:
        """The configuration in the lead; none before a run has finished."""
        if not self._scores:
            return None
        best = max(self._scores, key=self._order)
        return Leader(self._names[best], t_interval(list(self._scores[best].values())), self._broken(best))

    def _order(self, config_id: str) -> tuple[bool, int, float]:
        scores = self._scores[config_id]
        mean = sum(scores.values()) / len(scores)
        return not self._broken(config_id), len(scores), self._sign * mean

    def _broken(self, config_id: str) -> tuple[str, ...]:
        return self._goals.broken(mean_measured(list(self._measured[config_id].values())))
