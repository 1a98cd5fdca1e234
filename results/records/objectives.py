"""What a sweep wants beside a good score: further objectives, and constraints, each on a measure of its runs.

A measure is a column of the runs table: `valid_<metric>` and `worst_missing_<metric>`, both on the validation split at
the best epoch, and the costs `parameters`, `epochs` and `seconds`. None of them looks at the test split. A
configuration is judged by the mean of each measure over a complete set of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import pyarrow as pa

from causalmer_core.basics.validation import Frozen
from causalmer_core.measures.metrics import Direction

COSTS = ("parameters", "epochs", "seconds")
"""What a run costs: numbers that are trained, epochs, and seconds of training and validating."""
VALID = "valid_"
WORST_MISSING = "worst_missing_"
"""How the columns of metrics begin."""

ObjectiveValues = Mapping[str, float]
"""Of one run, or as means over runs, the finite values by measure."""


class Objective(Frozen):
    """A measure of which more (`max`) or less (`min`) is wanted."""

    measure: str
    direction: Direction


class Constraint(Frozen):
    """A measure that is to stay within its limits, both included."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def violation(self, value: float) -> float:
        """How far a value is beyond the nearer limit, as a share of that limit (of 1 where it is 0), so that the
        violations of different measures can be added; 0 or less: it is within.
        """
        beyond = []
        if self.at_least is not None:
            beyond.append((self.at_least - value) / (abs(self.at_least) or 1.0))
        if self.at_most is not None:
            beyond.append((value - self.at_most) / (abs(self.at_most) or 1.0))
        return max(beyond, default=0.0)

    def words(self, value: float) -> str:
        """How a value violates it, or an empty text."""
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


class Goals(Frozen):
    """What a sweep wants.

    Attributes:
        objectives: the first is the monitored metric. Empty: it alone.
        constraints: on means over seeds; each on a measure of its own.
    """

    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @property
    def is_multi_objective(self) -> bool:
        """Whether there is more than one objective."""
        return len(self.objectives) > 1

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Of the objectives."""
        return tuple(objective.direction for objective in self.objectives)

    @property
    def measures(self) -> tuple[str, ...]:
        """All that objectives and constraints are about, each once."""
        wanted = [*(o.measure for o in self.objectives), *(c.measure for c in self.constraints)]
        return tuple(dict.fromkeys(wanted))

    @property
    def worst_missing(self) -> tuple[str, ...]:
        """The metrics whose worst value without one modality has to be evaluated."""
        return tuple(m.removeprefix(WORST_MISSING) for m in self.measures if m.startswith(WORST_MISSING))

    @property
    def worst_missing_columns(self) -> dict[str, pa.DataType]:
        """Their columns in the epochs and runs tables."""
        return {f"{WORST_MISSING}{metric}": pa.float64() for metric in self.worst_missing}

    def are_measured(self, measured: ObjectiveValues) -> bool:
        """Whether nothing is missing that objectives and constraints are about."""
        return all(measure in measured for measure in self.measures)

    def values(self, measured: ObjectiveValues) -> tuple[float, ...]:
        """The objectives' values.

        Raises:
            KeyError: one was not measured.
        """
        return tuple(measured[objective.measure] for objective in self.objectives)

    def violations(self, measured: ObjectiveValues) -> dict[str, float]:
        """By measure how far each constraint is violated (see `Constraint.violation`); infinitely, where it was not
        measured.
        """
        return {
            constraint.measure: constraint.violation(measured[constraint.measure])
            if constraint.measure in measured
            else math.inf
            for constraint in self.constraints
        }

    def violation(self, measured: ObjectiveValues) -> float:
        """All violations together; 0 where every constraint holds."""
        return sum(max(violation, 0.0) for violation in self.violations(measured).values())

    def violated(self, measured: ObjectiveValues) -> tuple[str, ...]:
        """In words what keeps a configuration from being chosen: what was not measured, and violated constraints."""
        missing = [f"{measure} was not measured" for measure in self.measures if measure not in measured]
        limited = [each for each in self.constraints if each.measure in measured]
        return (*missing, *filter(None, (each.words(measured[each.measure]) for each in limited)))

    def described(self) -> dict[str, str]:
        """The objectives and the constraints, for a reader; what there is none of is left out."""
        better = {"max": "more is better", "min": "less is better"}
        wanted = [f"{objective.measure} ({better[objective.direction]})" for objective in self.objectives]
        limits = [constraint.described() for constraint in self.constraints]
        texts = {"objectives": ", ".join(wanted), "constraints": ", ".join(limits)}
        return {name: text for name, text in texts.items() if text}

    def check(self, metrics: Collection[str], monitor: str) -> None:
        """Hold the measures against the metrics of a sweep.

        Raises:
            ValueError: a measure is none of the runs table's, or the first objective is not the monitored metric.
        """
        known = {f"{prefix}{name}" for prefix in (VALID, WORST_MISSING) for name in metrics} | {*COSTS}
        if unknown := [measure for measure in self.measures if measure not in known]:
            raise ValueError(f"no measures of a run: {', '.join(unknown)}")
        if self.objectives and self.objectives[0].measure != f"{VALID}{monitor}":
            raise ValueError(
                f"the first objective is {self.objectives[0].measure}, and {monitor} is monitored"
            )
