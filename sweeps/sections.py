"""Sections of a sweep's YAML file; the space, the search and its schedulers stand in files of their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from causalmer_core.config import FoldsConfig
from causalmer_core.errors import UserError, invalid
from causalmer_core.frozen import Frozen
from causalmer_core.names import NAME_PATTERN, checked_name
from results.object_uri import ObjectUriError, is_uri, parse_uri


def _safe_name(name: str) -> str:
    try:
        return checked_name(name, "folder")
    except UserError as error:
        raise invalid(
            "not usable as the name of a folder",
            "1 to 64 letters, digits, '.', '_' or '-', starting with a letter or a digit",
        ) from error


SafeName = Annotated[
    str, AfterValidator(_safe_name), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})
]
"""A name that is safe as one part of a path."""

FolderPath = Annotated[str, Field(min_length=1)]


def _usable_place(text: str) -> str:
    if is_uri(text):
        try:
            return str(parse_uri(text))
        except ObjectUriError as error:
            raise invalid(error.what, error.allowed, repeated=False) from error  # it may hold a password
    return text


StoragePlace = Annotated[str, Field(min_length=1), AfterValidator(_usable_place)]
"""A folder, or an address on an object store."""


class DataSection(Frozen):
    """Which data the sweep runs on.

    Attributes:
        name: the data set's name in the data store.
        root: the data store's folder, relative to the working directory unless absolute. None (default): the
            store's own default, the environment variable CAUSALMER_DATA or else `causalmer_data`.
        synthetic: for an embedded data set: the fields of
            `causalmer_core.datasets.synthetic.SyntheticConfig`, from which it is made when the store does not
            have it. None (default): the store must have it.
        split: folds over groups of the training and the validation samples; the run with seed s validates on
            fold `s mod folds`. None (default): the data set's own split.
    """

    name: SafeName
    root: FolderPath | None = None
    synthetic: dict[str, Any] | None = None
    split: FoldsConfig | None = None


class SeedsSection(Frozen):
    """How many seeds are for what.

    Attributes:
        search: seeds of every proposed configuration; the sampler learns their mean.
        block: so many of the search's seeds are trained side by side, by one trial: early stopping judges their mean,
            so that no lucky seed survives alone. A configuration whose block is pruned or fails does not begin its
            next one. `auto` (default): all of them in one block.
        confirm: further, fresh seeds of the best configurations, at most; see the section `confirmation`. 0: the search
            alone decides.
        evaluate: seeds that no selection sees, of the selected configuration, the paper's default and the undebiased
            twin; these runs are evaluated on the test split.
        top_k: how many configurations are confirmed.
        first: the first seed; the search's and the confirmation's follow it, and the evaluation's begin 1000 later.
    """

    search: int = Field(default=1, ge=1, le=100)
    block: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    confirm: int = Field(default=5, ge=0, le=500)
    evaluate: int = Field(default=5, ge=1, le=1000)
    top_k: int = Field(default=4, ge=1)
    first: int = Field(default=0, ge=0)

    @field_validator("block")
    @classmethod
    def _within_the_search(cls, block: int | str, info: ValidationInfo) -> int | str:
        search = info.data.get("search")
        if isinstance(block, int) and isinstance(search, int) and block > search:
            raise invalid(f"is larger than the search's number of seeds, {search}", f"auto, or 1 to {search}")
        return block

    @property
    def block_size(self) -> int:
        """How many seeds of the search a trial trains side by side, at most."""
        return self.search if self.block == "auto" else self.block


class SelectionSection(Frozen):
    """How the winner is chosen, from validation scores alone.

    Attributes:
        rule: among the configurations within all constraints, by means over complete seed sets. `best_mean`: the best
            of the monitored metric. `lower_bound`: the best worse end of its t interval. `one_standard_error`: the
            fewest parameters within one standard error of the best. These two need two seeds of the confirmation, or of
            the search where nothing is confirmed. `knee`: of the Pareto front of several objectives the point at which
            it bends most (see `results.pareto`).
    """

    rule: Literal["best_mean", "lower_bound", "one_standard_error", "knee"] = "best_mean"


Entry = TypeVar("Entry")


def _each_once(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if len(set(entries)) != len(entries):
        raise invalid("an entry stands twice", "each entry once")
    return entries


EachOnce = (AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True}))
"""Annotations of a list whose entries differ."""


class DebiasingSection(Frozen):
    """Constants and weights chosen after training, for the runs of the selected configuration, on validation alone.

    Attributes:
        methods: `learned`, a convex fit of the weights to the task loss (see `causalmer_core.debiasing_fit`), and
            `searched`, a search of constants and weights for the best monitored metric (see
            `sweeps.debiasing_search`). Empty switches it off.
        trials: candidates of the search.
        folds: parts of the validation split, each held out once to tell what a method gains.
        constraint: of the learned weights: `box`, each in [0, 2]; `simplex`, at least 0 with sum 3.
    """

    methods: Annotated[tuple[Literal["learned", "searched"], ...], *EachOnce] = (
        "learned",
        "searched",
    )
    trials: int = Field(default=2000, ge=1)
    folds: int = Field(default=5, ge=3)
    constraint: Literal["box", "simplex"] = "box"


def _with_zero(kinds: tuple[str, ...]) -> tuple[str, ...]:
    if "zero" not in kinds:
        raise invalid(
            "leaves out 'zero', which other tables are made of", "zero and what is wanted beside it"
        )
    return kinds


class EvaluationSection(Frozen):
    """What is taken from the runs that are evaluated on the test split, beside nothing (`causalmer_core.removal`).

    Attributes:
        removals: how modalities are removed, for every subset of them: `zero`, always, as published; `mean`, by the
            training mean of each channel; `permutation`, by another sample's features.
        step_rates: at which rates steps of all modalities are taken away, at random and in spans; each above 0 and at
            most 1. Empty (default): at none.
    """

    removals: Annotated[
        tuple[Literal["zero", "mean", "permutation"], ...],
        *EachOnce,
        AfterValidator(_with_zero),
        Field(json_schema_extra={"contains": {"const": "zero"}}),
    ] = ("zero",)
    step_rates: Annotated[tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...], *EachOnce] = ()
