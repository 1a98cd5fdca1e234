"""The sections `objectives` and `constraints` of a sweep's file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from causalmer_core.basics.errors import invalid
from causalmer_core.basics.task import Task
from causalmer_core.basics.validation import Frozen
from causalmer_core.measures.metrics import Direction, checked_metric
from results.records.objectives import VALID, WORST_MISSING, Constraint, Objective, Objectives
from sweeps.spec.problems import attributed_to

_ONE_OF = "one of metric, worst_missing and cost"


class MeasureEntry(Frozen):
    """A measure of a run: one of the three.

    Attributes:
        metric: this metric on the validation split, at the best epoch.
        worst_missing: the worst of this metric over the three evaluations with one modality replaced by zeros, on the
            validation split, at the best epoch.
        cost: `parameters`: the number of trained parameters. `epochs`: the number of epochs. `seconds`: the time of
            training on this machine.
    """

    metric: str | None = None
    worst_missing: str | None = None
    cost: Literal["parameters", "epochs", "seconds"] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> MeasureEntry:
        given = [name for name in (self.metric, self.worst_missing, self.cost) if name is not None]
        if len(given) != 1:
            raise invalid("names several measures" if given else "names no measure", _ONE_OF)
        return self

    @model_serializer(mode="wrap")
    def _without_empty(self, serialised: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialised(self).items() if value is not None}

    @property
    def key(self) -> str:
        """The key that the file gives."""
        return "cost" if self.cost is not None else "metric" if self.metric is not None else "worst_missing"

    @property
    def column(self) -> str:
        """The column of the runs table that holds the measure."""
        if self.cost is not None:
            return self.cost
        return f"{VALID}{self.metric}" if self.metric is not None else f"{WORST_MISSING}{self.worst_missing}"

    def direction(self, task: Task) -> Direction:
        """The better direction: a metric declares it; of a cost less is better.

        Raises:
            UserError: the task has no such metric.
        """
        name = self.metric if self.metric is not None else self.worst_missing
        return "min" if name is None else checked_metric(task, name)


class ObjectiveEntry(MeasureEntry):
    """A measure to optimise. The metric declares its direction; a cost is minimised."""


class ConstraintEntry(MeasureEntry):
    """Limits of a measure, for its mean over seeds. At least one limit is given.

    Attributes:
        at_least: the lowest value allowed.
        at_most: the highest value allowed.
    """

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> ConstraintEntry:
        if self.at_least is None and self.at_most is None:
            raise invalid("has no limit", "at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise invalid("at_least is above at_most, so nothing is allowed", "at_least up to at_most")
        return self


def objectives_of(
    monitor: str, entries: tuple[ObjectiveEntry, ...], limits: tuple[ConstraintEntry, ...], task: Task
) -> Objectives:
    """The objectives as the records name them.

    Args:
        monitor: `trainer.monitor`, the monitored metric.
        entries: the section `objectives`; its first entry is the monitored metric.
        limits: the section `constraints`.
        task: the task of the data set.

    Raises:
        SpecMismatchError: the task has no such metric.
    """
    with attributed_to("base", "trainer", "monitor"):
        primary = Objective(measure=f"{VALID}{monitor}", direction=checked_metric(task, monitor))
    return Objectives(
        primary=primary,
        further=tuple(
            Objective(measure=each.column, direction=_direction("objectives", number, each, task))
            for number, each in enumerate(entries)
            if number
        ),
        constraints=tuple(
            Constraint(measure=each.column, at_least=each.at_least, at_most=each.at_most)
            for number, each in enumerate(limits)
            if _direction("constraints", number, each, task)
        ),
    )


def _direction(section: str, number: int, measure: MeasureEntry, task: Task) -> Direction:
    with attributed_to(section, number, measure.key):
        return measure.direction(task)
