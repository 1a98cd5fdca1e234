"""What a sweep wants: the monitored metric, further objectives, and constraints.

A measure is a column of the runs table: `valid_<metric>` and `worst_missing_<metric>`, both on the validation split at
the best epoch, and the costs `parameters`, `epochs` and `seconds`. No measure looks at the test split. A configuration
is judged by the mean of each measure over a complete set of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

import pyarrow as pa

from causalmer_core.basics.validation import Frozen
from causalmer_core.measures.metrics import Direction, better_word, oriented

COSTS = ("parameters", "epochs", "seconds")
"""What a run costs: trained numbers, epochs, and seconds of training and validation."""
VALID = "valid_"
WORST_MISSING = "worst_missing_"
"""How the columns of metrics begin."""

ObjectiveValues = Mapping[str, float]
"""The finite values by measure, of one run or as means over runs."""


class Objective(Frozen):
    """A measure of which more (`max`) or less (`min`) is better."""

    measure: str
    direction: Direction


class Constraint(Frozen):
    """A measure that has to lie within its limits, both included."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def violation(self, value: float) -> float:
        """How far a value lies beyond the nearer limit, as a share of that limit (of 1 where the limit is 0).

        Shares of different measures can be added. 0 or less: the value is within the limits.
        """
        beyond = []
        if self.at_least is not None:
            beyond.append((self.at_least - value) / (abs(self.at_least) or 1.0))
        if self.at_most is not None:
            beyond.append((value - self.at_most) / (abs(self.at_most) or 1.0))
        return max(beyond, default=0.0)

    def words(self, value: float) -> str:
        """How a value violates the constraint, or an empty text."""
        if self.violation(value) <= 0:
            return ""
        if self.at_least is not None and value < self.at_least:
            return f"{self.measure} {value:.6g} is below {self.at_least:g}"
        return f"{self.measure} {value:.6g} is above {self.at_most:g}"

    def described(self) -> str:
        """The limits, for a reader."""
        limits = {"at least": self.at_least, "at most": self.at_most}
        texts = [f"{words} {limit:g}" for words, limit in limits.items() if limit is not None]
        return f"{self.measure} {' and '.join(texts)}"


class Objectives(Frozen):
    """The objectives and constraints of a sweep. Which of two scores is better is decided here and nowhere else.

    Attributes:
        primary: the monitored metric on the validation split. A run's score is its value.
        further: objectives beside it; empty: a single-objective sweep.
        constraints: on means over seeds, each on a measure of its own.
    """

    primary: Objective
    further: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @staticmethod
    def of_metric(metric: str, direction: Direction, constraints: Iterable[Constraint] = ()) -> Objectives:
        """One objective: a metric on the validation split."""
        primary = Objective(measure=f"{VALID}{metric}", direction=direction)
        return Objectives(primary=primary, constraints=tuple(constraints))

    @property
    def metric(self) -> str:
        """The monitored metric, without `valid_`."""
        return self.primary.measure.removeprefix(VALID)

    @property
    def direction(self) -> Direction:
        """Whether more (`max`) or less (`min`) of the monitored metric is better."""
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
        """The measures that have to be on record beside the score, each once."""
        objectives = self.all if self.is_multi_objective else ()
        wanted = [*(o.measure for o in objectives), *(c.measure for c in self.constraints)]
        return tuple(dict.fromkeys(wanted))

    @property
    def worst_missing(self) -> tuple[str, ...]:
        """The metrics whose worst value without one modality has to be evaluated."""
        return tuple(m.removeprefix(WORST_MISSING) for m in self.measures if m.startswith(WORST_MISSING))

    @property
    def worst_missing_columns(self) -> dict[str, pa.DataType]:
        """The columns of these values in the epochs and runs tables."""
        return {f"{WORST_MISSING}{metric}": pa.float64() for metric in self.worst_missing}

    def oriented(self, score: float) -> float:
        """The score, or its negative where lower is better: of two oriented scores the higher is better."""
        return oriented(score, self.direction)

    def is_as_good(self, score: float, other: float) -> bool:
        """Whether a score is at least as good as another one."""
        return self.oriented(score) >= self.oriented(other)

    def best(self, scores: Iterable[float]) -> float | None:
        """The best score; None where there is none."""
        return max(scores, key=self.oriented, default=None)

    @property
    def better(self) -> str:
        """`higher` or `lower`: which scores are better, in words."""
        return better_word(self.direction)

    def are_measured(self, values: ObjectiveValues) -> bool:
        """Whether the values of all objectives and constraints are there."""
        return all(measure in values for measure in self.measures)

    def values(self, values: ObjectiveValues) -> tuple[float, ...]:
        """The values of all objectives of a multi-objective sweep.

        Raises:
            KeyError: a value is missing.
        """
        return tuple(values[objective.measure] for objective in self.all)

    def violations(self, values: ObjectiveValues) -> dict[str, float]:
        """How far each constraint is violated, by measure (see `Constraint.violation`); infinite where a value is
        missing.
        """
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
        """Why a configuration cannot be chosen, in words: missing values and violated constraints."""
        missing = [f"{measure} was not measured" for measure in self.measures if measure not in values]
        limited = [each for each in self.constraints if each.measure in values]
        return (*missing, *filter(None, (each.words(values[each.measure]) for each in limited)))

    def described(self) -> dict[str, str]:
        """Several objectives and constraints, for a reader; empty where there is one objective alone."""
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
            ValueError: a measure is no column of the runs table, or the monitored metric is none of the sweep's.
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
        """The fields of this class from the keys of a manifest; what is wrong with them is left to validation.

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
