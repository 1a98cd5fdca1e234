"""The objectives of a sweep: the monitored metric, further objectives, and constraints.

A measure is a column of the runs table: `valid_<metric>` and `worst_missing_<metric>`, both on the validation split at
the best epoch, and the costs `parameters`, `epochs` and `seconds`. No measure uses the test split. The value of a
configuration is the mean of each measure over a complete set of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

import pyarrow as pa

from causalmer_core.basics.validation import Frozen
from causalmer_core.measures.metrics import Direction, better_word, oriented

COSTS = ("parameters", "epochs", "seconds")
"""The costs of a run: trainable parameters, epochs, and seconds of training and validation."""
VALID = "valid_"
WORST_MISSING = "worst_missing_"
"""The prefixes of the metric columns."""

ObjectiveValues = Mapping[str, float]
"""Finite values by measure, of one run or as means over runs."""


class Objective(Frozen):
    """A measure, and whether a higher (`max`) or a lower (`min`) value of it is better."""

    measure: str
    direction: Direction


class Constraint(Frozen):
    """Limits on a measure, both inclusive. None: no limit on this side."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def violation(self, value: float) -> float:
        """How far a value exceeds a limit, as a share of the limit (of 1 if the limit is 0).

        Shares of different measures can be added. At 0 or less the value is within the limits.
        """
        beyond = []
        if self.at_least is not None:
            beyond.append((self.at_least - value) / (abs(self.at_least) or 1.0))
        if self.at_most is not None:
            beyond.append((value - self.at_most) / (abs(self.at_most) or 1.0))
        return max(beyond, default=0.0)

    def words(self, value: float) -> str:
        """How a value violates the constraint, in words; empty if it does not."""
        if self.violation(value) <= 0:
            return ""
        if self.at_least is not None and value < self.at_least:
            return f"{self.measure} {value:.6g} is below {self.at_least:g}"
        return f"{self.measure} {value:.6g} is above {self.at_most:g}"

    def described(self) -> str:
        """The limits, in words."""
        limits = {"at least": self.at_least, "at most": self.at_most}
        texts = [f"{words} {limit:g}" for words, limit in limits.items() if limit is not None]
        return f"{self.measure} {' and '.join(texts)}"


class Objectives(Frozen):
    """The objectives and constraints of a sweep. Only this class decides which of two scores is better.

    Attributes:
        primary: the monitored metric on the validation split. A run's score is its value.
        further: the objectives beside it; empty in a single-objective sweep.
        constraints: limits on means over seeds, at most one per measure.
    """

    primary: Objective
    further: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @staticmethod
    def of_metric(metric: str, direction: Direction, constraints: Iterable[Constraint] = ()) -> Objectives:
        """A single objective, a metric on the validation split, with constraints."""
        primary = Objective(measure=f"{VALID}{metric}", direction=direction)
        return Objectives(primary=primary, constraints=tuple(constraints))

    @property
    def metric(self) -> str:
        """The monitored metric, without `valid_`."""
        return self.primary.measure.removeprefix(VALID)

    @property
    def direction(self) -> Direction:
        """Whether a higher (`max`) or a lower (`min`) value of the monitored metric is better."""
        return self.primary.direction

    @property
    def is_multi_objective(self) -> bool:
        """Whether there is more than one objective."""
        return bool(self.further)

    @property
    def all(self) -> tuple[Objective, ...]:
        """The objectives, the monitored metric first."""
        return (self.primary, *self.further)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions of all objectives."""
        return tuple(objective.direction for objective in self.all)

    @property
    def study_directions(self) -> tuple[Literal["maximize", "minimize"], ...]:
        """The directions of all objectives in Optuna's words."""
        return tuple("maximize" if direction == "max" else "minimize" for direction in self.directions)

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that must be recorded beside the score, each once."""
        objectives = self.all if self.is_multi_objective else ()
        wanted = [*(o.measure for o in objectives), *(c.measure for c in self.constraints)]
        return tuple(dict.fromkeys(wanted))

    @property
    def worst_missing(self) -> tuple[str, ...]:
        """The metrics whose worst value with one missing modality must be evaluated."""
        return tuple(m.removeprefix(WORST_MISSING) for m in self.measures if m.startswith(WORST_MISSING))

    @property
    def worst_missing_columns(self) -> dict[str, pa.DataType]:
        """The `worst_missing_<metric>` columns of the epochs and runs tables."""
        return {f"{WORST_MISSING}{metric}": pa.float64() for metric in self.worst_missing}

    def oriented(self, score: float) -> float:
        """The score, negated where lower is better. A higher oriented score is always better."""
        return oriented(score, self.direction)

    def is_as_good(self, score: float, other: float) -> bool:
        """Whether a score is at least as good as another one."""
        return self.oriented(score) >= self.oriented(other)

    def best(self, scores: Iterable[float]) -> float | None:
        """The best score. None without scores."""
        return max(scores, key=self.oriented, default=None)

    @property
    def better(self) -> str:
        """`higher` or `lower`: the kind of score that is better."""
        return better_word(self.direction)

    def are_measured(self, values: ObjectiveValues) -> bool:
        """Whether `values` has every measure of the objectives and constraints."""
        return all(measure in values for measure in self.measures)

    def values(self, values: ObjectiveValues) -> tuple[float, ...]:
        """The values of all objectives of a multi-objective sweep, in their order.

        Raises:
            KeyError: a value is missing.
        """
        return tuple(values[objective.measure] for objective in self.all)

    def violations(self, values: ObjectiveValues) -> dict[str, float]:
        """The violation of each constraint, by measure (see `Constraint.violation`). Infinite for a missing value."""
        return {
            constraint.measure: constraint.violation(values.get(constraint.measure, math.nan))
            if constraint.measure in values
            else math.inf
            for constraint in self.constraints
        }

    def violation(self, values: ObjectiveValues) -> float:
        """The sum of all violations; 0 where every constraint holds."""
        return sum(max(violation, 0.0) for violation in self.violations(values).values())

    def violated(self, values: ObjectiveValues) -> tuple[str, ...]:
        """The reasons against selecting a configuration, in words: missing values and violated constraints."""
        missing = [f"{measure} was not measured" for measure in self.measures if measure not in values]
        limited = [each for each in self.constraints if each.measure in values]
        return (*missing, *filter(None, (each.words(values[each.measure]) for each in limited)))

    def described(self) -> dict[str, str]:
        """The objectives and constraints in words, by `objectives` and `constraints`; only keys with a text."""
        better = {"max": "more is better", "min": "less is better"}
        wanted = [f"{objective.measure} ({better[objective.direction]})" for objective in self.all]
        limits = [constraint.described() for constraint in self.constraints]
        texts = {
            "objectives": ", ".join(wanted) if self.is_multi_objective else "",
            "constraints": ", ".join(limits),
        }
        return {name: text for name, text in texts.items() if text}

    def check(self, metrics: Collection[str]) -> None:
        """Compare the measures with the metrics of a sweep.

        Raises:
            ValueError: a measure is no column of the runs table, or the monitored metric is not among the metrics.
        """
        if self.metric not in metrics:
            raise ValueError(f"monitor {self.metric!r} is not among the metrics: {', '.join(metrics)}")
        known = {f"{prefix}{name}" for prefix in (VALID, WORST_MISSING) for name in metrics} | {*COSTS}
        if unknown := [measure for measure in self.measures if measure not in known]:
            raise ValueError(f"no measures of a run: {', '.join(unknown)}")

    def on_disk(self) -> dict[str, Any]:
        """The keys of a manifest: `monitor`, `direction` and `goals`."""
        objectives = self.all if self.is_multi_objective else ()
        goals = {
            "objectives": [each.model_dump(mode="json") for each in objectives],
            "constraints": [each.model_dump(mode="json") for each in self.constraints],
        }
        return {"monitor": self.metric, "direction": self.direction, "goals": goals}

    @staticmethod
    def from_disk(tree: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of this class, not validated, from the keys of a manifest.

        Raises:
            ValueError: the first of several objectives is not the monitored metric.
        """
        goals = tree.get("goals") or {}
        primary = {"measure": f"{VALID}{tree.get('monitor')}", "direction": tree.get("direction")}
        first, *further = goals.get("objectives") or [primary]
        if first.get("measure") != primary["measure"]:
            raise ValueError(
                f"the first objective is {first.get('measure')}, and {tree.get('monitor')} is monitored"
            )
        return {
            "primary": primary,
            "further": further,
            "constraints": goals.get("constraints") or [],
        }
