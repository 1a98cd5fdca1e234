"""Sections of a sweep's YAML file; the space, the search and its schedulers stand in files of their own."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from causalmer_core.basics.errors import UserError, invalid
from causalmer_core.basics.validation import NAME_PATTERN, Frozen, checked_name
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
            it bends most (see `results.statistics.pareto`).
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
        methods: `learned`, a convex fit of the weights to the task loss (see `causalmer_core.debiasing.fit`), and
            `searched`, a search of constants and weights for the best monitored metric (see
            `sweeps.debiasing.search`). Empty switches it off.
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
    """What is taken from the runs that are evaluated on the test split, beside nothing (`causalmer_core.measures.ablation`).

    Attributes:
        ablations: how modalities are removed, for every subset of them: `zero`, always, as published; `mean`, by the
            training mean of each channel; `permutation`, by another sample's features.
        step_rates: at which rates steps of all modalities are taken away, at random and in spans; each above 0 and at
            most 1. Empty (default): at none.
    """

    ablations: Annotated[
        tuple[Literal["zero", "mean", "permutation"], ...],
        *EachOnce,
        AfterValidator(_with_zero),
        Field(json_schema_extra={"contains": {"const": "zero"}}),
    ] = ("zero",)
    step_rates: Annotated[tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...], *EachOnce] = ()


# FOLDED The section `budget` of a sweep's file: what the search may use.
class BudgetSection(Frozen):
    """What the search may use. When one is used up, running runs end, nothing more is proposed, and the sweep goes on
    to confirm what it has: cut by budget, which is no failure. With a larger budget a resumed sweep searches on.

    Attributes:
        runs: different configurations that are run; a proposal that repeats one is free. None (default): no limit.
        hours: of wall time in which runs of the search were training, over all sessions. None (default): no limit.
        gpu_hours: of GPUs that runs of the search held, a share of one counted as such. None (default): no limit.
        target: a configuration of the search that finished with a mean score at least as good ends it.
            None (default): no target.
    """

    runs: int | None = Field(default=None, ge=1)
    hours: float | None = Field(default=None, gt=0.0)
    gpu_hours: float | None = Field(default=None, gt=0.0)
    target: float | None = None


# FOLDED The section `failure` of a sweep's file: what happens when a run or the machine fails.
class FailureSection(Frozen):
    """What happens when a run or the machine fails; no configuration's identity depends on it.

    Attributes:
        retries: how often in a row, without having got an epoch further, a run is started again after a fault of the
            machine (see `causalmer_core.basics.faults`), and Ray after it was lost. What would repeat is never retried.
        fail_fast: the sweep stops when its first so many configurations all failed. None: it never does.
        run_timeout: seconds of training, over all attempts, after which a run ends as `timeout`; looked at after every
            epoch. None (default): no limit.
    """

    retries: int = Field(default=2, ge=0)
    fail_fast: int | None = Field(default=3, ge=1)
    run_timeout: float | None = Field(default=None, gt=0.0)


# FOLDED The section `tracking` of a sweep's file: where else runs are shown while they train.
TrackerName = Literal["tensorboard", "mlflow", "wandb"]

MODULES: dict[TrackerName, str] = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""What each of them imports."""


class MLflowSection(Frozen):
    """MLflow, by Ray's callback. Its server's credentials come from the environment, as MLflow reads them.

    Attributes:
        tracking_uri: the server or store. None (default): MLflow's own, such as the variable MLFLOW_TRACKING_URI says.
        experiment: the experiment's name. None (default): the sweep's.
    """

    tracking_uri: str | None = Field(default=None, min_length=1)
    experiment: str | None = Field(default=None, min_length=1)


class WandbSection(Frozen):
    """Weights & Biases, by Ray's callback. The key comes from the variable WANDB_API_KEY or `wandb login`.

    Attributes:
        project: the project's name.
        entity: whose project. None (default): the account's own.
        mode: `online` (default), `offline` for files that `wandb sync` sends later, or `disabled`.
    """

    project: str = Field(min_length=1)
    entity: str | None = Field(default=None, min_length=1)
    mode: Literal["online", "offline", "disabled"] = "online"


class TrackingSection(Frozen):
    """Where runs are shown beside the records, which depend on none of it. One that fails is switched off.

    Attributes:
        tensorboard: event files below `tracking` in the sweep's folder (default false).
        mlflow: an MLflow server or store. None (default): not used.
        wandb: Weights & Biases. None (default): not used.
    """

    tensorboard: bool = False
    mlflow: MLflowSection | None = None
    wandb: WandbSection | None = None

    @property
    def names(self) -> tuple[TrackerName, ...]:
        """Those that are used."""
        used: dict[TrackerName, object] = {
            "tensorboard": self.tensorboard,
            "mlflow": self.mlflow,
            "wandb": self.wandb,
        }
        return tuple(name for name, section in used.items() if section)


def check_installed(name: TrackerName) -> None:
    """Checks that a tracker can be imported.

    Raises:
        UserError: its package is missing; the message says how to install it.
    """
    if find_spec(MODULES[name]) is None:
        raise UserError(
            f"tracking.{name}: the package {MODULES[name]!r} is not installed; pip install 'causalmer[{name}]', or "
            f"leave the key out"
        )
