"""The leading configuration, shown while a sweep runs. No choice depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from results.ranking.configuration_runs import CANDIDATE, ConfigurationRuns, run_record
from results.records.histories import RunHistory
from results.records.objectives import Objectives
from results.statistics.intervals import Interval, t_interval


@dataclass(frozen=True, slots=True)
class Leader:
    """The leading configuration.

    Attributes:
        name: the proposal's number and the config_id.
        interval: the t interval of its mean score over its finished seeds.
        violated: the constraints that its means violate, as text.
    """

    name: str
    interval: Interval
    violated: tuple[str, ...] = ()

    def __str__(self) -> str:
        seeds = "1 seed" if self.interval.n == 1 else f"{self.interval.n} seeds"
        violated = "".join(f"; {constraint}" for constraint in self.violated)
        if self.interval.low is None:
            return f"{self.name}: {self.interval.mean:.4f} over {seeds}, no interval{violated}"
        return f"{self.name}: {self.interval} over {seeds}{violated}"


class BestSoFar:
    """Keeps the finished runs of candidates, and finds the leading configuration.

    The order: configurations that violate no constraint, then more finished seeds, then the better mean score. So one
    lucky seed does not lead before a mean over several seeds. Further objectives are not compared.

    Args:
        objectives: the monitored metric with its direction, and constraints.
    """

    def __init__(self, objectives: Objectives) -> None:
        self._objectives = objectives
        self._found: dict[str, ConfigurationRuns] = {}

    def add(self, run: RunHistory) -> None:
        """Note a run that has ended. Evaluation runs never lead, because they must not affect a choice."""
        if run.final_score is not None and run.role == CANDIDATE and run.phase != "evaluate":
            record = run_record(run, self._objectives.measures)
            known = self._found.get(run.key.config_id)
            runs = {**(known.runs if known else {}), run.key.seed: record}
            self._found[run.key.config_id] = ConfigurationRuns(run.key.config_id, runs)

    def leader(self) -> Leader | None:
        """The leading configuration; None before a run has finished."""
        best = max(self._found.values(), key=self._order, default=None)
        if best is None:
            return None
        name = f"#{best.number} {best.config_id[:8]}"
        return Leader(name, t_interval(list(best.finished.values())), self._violated(best))

    def _order(self, configuration: ConfigurationRuns) -> tuple[bool, int, float]:
        mean = configuration.mean_score(tuple(configuration.runs)) or 0.0
        return not self._violated(configuration), len(configuration.runs), self._objectives.oriented(mean)

    def _violated(self, configuration: ConfigurationRuns) -> tuple[str, ...]:
        return self._objectives.violated(configuration.mean_values(tuple(configuration.runs)))
