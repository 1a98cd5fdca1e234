"""Sections of a sweep's YAML file, in the order of the file.

The sections `space`, `objectives`, `constraints`, `search`, `scheduler`, `confirmation` and `resources` have their own
modules.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from causalmer_core.basics.errors import UserError, invalid
from causalmer_core.basics.validation import LARGEST_WHOLE, NAME_PATTERN, Frozen, checked_name
from causalmer_core.config.run_config import FoldsConfig
from results.storage.object_uri import ObjectUriError, is_uri, parse_uri


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
"""A name that can be one part of a path."""

FolderPath = Annotated[str, Field(min_length=1)]


def _usable_place(text: str) -> str:
    if is_uri(text):
        try:
            return str(parse_uri(text))
        except ObjectUriError as error:
            # The address may hold a password, so the message does not repeat it.
            raise invalid(error.what, error.allowed, repeated=False) from error
    return text


_NO_CREDENTIALS = r"^(?![^/]*//[^/?#]*@)"


def _without_credentials(uri: str) -> str:
    if re.match(_NO_CREDENTIALS, uri) is None:
        raise invalid(
            "has credentials in it, which every record would show",
            "an address without them; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the whole address "
            "as MLFLOW_TRACKING_URI, in the environment",
            repeated=False,
        )
    return uri


ServerUri = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"pattern": _NO_CREDENTIALS}),
    AfterValidator(_without_credentials),
]
"""The address of a server, without a user and a password."""

StoragePlace = Annotated[str, Field(min_length=1), AfterValidator(_usable_place)]
"""A folder, or an address on an object store."""


class DataSection(Frozen):
    """The data set of the sweep.

    Attributes:
        name: the data set's name in the data store.
        root: the folder of the data store, relative to the working directory unless absolute. None (default): the
            environment variable CAUSALMER_DATA, else `causalmer_data`.
        synthetic: the fields of `causalmer_core.datasets.synthetic.SyntheticConfig`. A synthetic data set is made
            from them if the store does not have one of this name. None (default): the store must have the data set.
        split: folds over groups of the training and the validation samples. The run with seed s validates on
            fold `s mod folds`. None (default): the data set's own split.
    """

    name: SafeName
    root: FolderPath | None = None
    synthetic: dict[str, Any] | None = None
    split: FoldsConfig | None = None


class SeedsSection(Frozen):
    """The numbers of seeds of each phase.

    Attributes:
        search: seeds of every proposed configuration. The sampler learns the mean over them.
        block: seeds of the search that one trial trains side by side. Early stopping goes by their mean, so that no
            lucky seed survives alone. If a block is pruned or fails, the configuration's next block does not begin.
            `auto` (default): all seeds of the search in one block.
        confirm: the most fresh seeds of a confirmed configuration; see the section `confirmation`. 0: no
            configuration is confirmed.
        evaluate: seeds of the selected configuration, the paper's default and the undebiased twin. No selection sees
            them. Their runs are evaluated on the test split.
        top_k: how many configurations are confirmed.
        first: the first seed of the search. The confirmation's seeds follow the search's. The evaluation's seeds
            begin at `first + 1000`.
    """

    search: int = Field(default=1, ge=1, le=100)
    block: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    confirm: int = Field(default=5, ge=0, le=500)
    evaluate: int = Field(default=5, ge=1, le=1000)
    top_k: int = Field(default=4, ge=1)
    first: int = Field(default=0, ge=0, le=LARGEST_WHOLE)

    @field_validator("block")
    @classmethod
    def _within_the_search(cls, block: int | str, info: ValidationInfo) -> int | str:
        search = info.data.get("search")
        if isinstance(block, int) and isinstance(search, int) and block > search:
            raise invalid(f"is larger than the search's number of seeds, {search}", f"auto, or 1 to {search}")
        return block

    @property
    def block_size(self) -> int:
        """The most seeds of the search that a trial trains side by side."""
        return self.search if self.block == "auto" else self.block


class SelectionSection(Frozen):
    """How a configuration is selected, from validation scores alone.

    Attributes:
        rule: compares means over complete seed sets, among the configurations within all constraints. `best_mean`:
            the best mean of the monitored metric. `lower_bound`: the best worse end of the t interval.
            `one_standard_error`: the fewest parameters within one standard error of the best. These two rules need two
            seeds of the confirmation, or of the search if nothing is confirmed. `knee`: the point of the Pareto front
            of several objectives at which the front bends most (see `results.statistics.pareto`).
    """

    rule: Literal["best_mean", "lower_bound", "one_standard_error", "knee"] = "best_mean"


Entry = TypeVar("Entry")


def _each_once(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if len(set(entries)) != len(entries):
        raise invalid("has an entry twice", "each entry once")
    return entries


EachOnce = (AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True}))
"""Annotations of a list whose entries differ."""


class DebiasingSection(Frozen):
    """Constants and weights chosen after training, for the runs of the selected configuration, on validation alone.

    Attributes:
        methods: `learned`: a convex fit of the weights to the task loss (see `causalmer_core.debiasing.fit`).
            `searched`: a search of constants and weights for the best monitored metric (see
            `sweeps.debiasing.search`). Empty: nothing is chosen after training.
        trials: candidates of the search.
        folds: parts of the validation split. Each is held out once to estimate the gain of a method.
        constraint: the constraint of the learned weights. `box`: each in [0, 2]. `simplex`: each at least 0, with sum
            3.
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
        raise invalid("lacks 'zero', which other tables need", "zero, and others beside it")
    return kinds


class EvaluationSection(Frozen):
    """Ablations of the runs that are evaluated on the test split (see `causalmer_core.measures.ablation`).

    Attributes:
        ablations: the replacements of removed modalities, for every subset of modalities. `zero` (always): zeros, as
            published. `mean`: the training mean of each channel. `permutation`: the features of another sample.
        step_rates: the rates at which steps of all modalities are removed, at random and in spans. Each is above 0 and
            at most 1. Empty (default): no steps are removed.
    """

    ablations: Annotated[
        tuple[Literal["zero", "mean", "permutation"], ...],
        *EachOnce,
        AfterValidator(_with_zero),
        Field(json_schema_extra={"contains": {"const": "zero"}}),
    ] = ("zero",)
    step_rates: Annotated[tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...], *EachOnce] = ()


class FailureSection(Frozen):
    """Reactions to failures of runs and of the machine. No configuration's identity depends on them.

    Attributes:
        retries: starts of a run in a row after faults of the machine (see `causalmer_core.basics.faults`), without a
            new epoch in between. The same limit holds for Ray. Errors that would repeat are never retried.
        fail_fast: the sweep stops if this many first configurations all fail. None: it never stops for failures.
        run_timeout: seconds of training, over all attempts, after which a run ends as `timeout`. The time is checked
            after every epoch. None (default): no limit.
    """

    retries: int = Field(default=2, ge=0)
    fail_fast: int | None = Field(default=3, ge=1)
    run_timeout: float | None = Field(default=None, gt=0.0)


class BudgetSection(Frozen):
    """Limits of the search.

    When a limit is reached, running runs end and nothing more is proposed. The sweep continues with the confirmation of
    the configurations that it has. A resumed sweep with a larger budget continues the search.

    Attributes:
        runs: the largest number of different configurations. A proposal that repeats one is free. None (default): no
            limit.
        hours: hours of wall time in which runs of the search trained, over all sessions. None (default): no limit.
        gpu_hours: hours of GPUs that runs of the search held. A run with half a GPU counts half. None (default): no
            limit.
        target: the search ends when a finished configuration has a mean score at least this good. None (default): no
            target.
    """

    runs: int | None = Field(default=None, ge=1)
    hours: float | None = Field(default=None, gt=0.0)
    gpu_hours: float | None = Field(default=None, gt=0.0)
    target: float | None = None


TrackerName = Literal["tensorboard", "mlflow", "wandb"]

MODULES: dict[TrackerName, str] = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""The package that each tracker needs."""


class MLflowSection(Frozen):
    """MLflow, through Ray's callback. MLflow reads the server's credentials from the environment.

    Attributes:
        tracking_uri: the server or store. None (default): the variable MLFLOW_TRACKING_URI, else MLflow's default.
        experiment: the experiment's name. None (default): the sweep's.
    """

    tracking_uri: ServerUri | None = None
    experiment: str | None = Field(default=None, min_length=1)


class WandbSection(Frozen):
    """Weights & Biases, through Ray's callback. The key comes from the variable WANDB_API_KEY or `wandb login`.

    Attributes:
        project: the project's name.
        entity: the owner of the project. None (default): the account's own.
        mode: `online` (default); `offline` writes files that `wandb sync` sends later; `disabled`.
    """

    project: str = Field(min_length=1)
    entity: str | None = Field(default=None, min_length=1)
    mode: Literal["online", "offline", "disabled"] = "online"


class TrackingSection(Frozen):
    """Trackers that show runs. The records depend on none of them, and a tracker that fails is switched off.

    Attributes:
        tensorboard: writes event files below `tracking` in the sweep's folder (default false).
        mlflow: an MLflow server or store. None (default): not used.
        wandb: Weights & Biases. None (default): not used.
    """

    tensorboard: bool = False
    mlflow: MLflowSection | None = None
    wandb: WandbSection | None = None

    @property
    def names(self) -> tuple[TrackerName, ...]:
        """The trackers that are used."""
        used: dict[TrackerName, object] = {
            "tensorboard": self.tensorboard,
            "mlflow": self.mlflow,
            "wandb": self.wandb,
        }
        return tuple(name for name, section in used.items() if section)


def check_installed(name: TrackerName) -> None:
    """Check that a tracker can be imported.

    Raises:
        UserError: its package is missing.
    """
    if find_spec(MODULES[name]) is None:
        raise UserError(
            f"tracking.{name}: the package {MODULES[name]!r} is not installed; pip install 'causalmer[{name}]', or "
            f"remove the key"
        )
