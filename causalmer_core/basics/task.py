"""The task of a data set: the form of its labels and of the model's outputs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TaskKind(StrEnum):
    """The label forms of the field.

    - `emotions`: IEMOCAP form, E binary emotions a sample; labels `(N, E)` in {0, 1}; 2E logits, viewed `(N, E, 2)`.
    - `classes`: one of C classes; labels `(N,)`; C logits.
    - `regression`: a sentiment score; labels `(N,)` floats; one output.
    """

    EMOTIONS = "emotions"
    CLASSES = "classes"
    REGRESSION = "regression"


class Task(BaseModel):
    """The task of a data set.

    Attributes:
        kind: the label form.
        labels: the emotions' names, the classes' names, or the one target's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: TaskKind
    labels: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _labels_fit_kind(self) -> Task:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"label names repeat: {', '.join(self.labels)}")
        if self.kind is TaskKind.CLASSES and len(self.labels) < 2:
            raise ValueError("a classes task needs at least two labels")
        if self.kind is TaskKind.REGRESSION and len(self.labels) != 1:
            raise ValueError(f"a regression task has one label, given {len(self.labels)}")
        return self

    @property
    def num_outputs(self) -> int:
        """The number of logits: 2E for emotions, C for classes, 1 for regression."""
        return 2 * len(self.labels) if self.kind is TaskKind.EMOTIONS else len(self.labels)
