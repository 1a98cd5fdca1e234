"""The sections `search` and `scheduler`: proposals of configurations, and early stopping."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from causalmer_core.basics.validation import Frozen
from sweeps.space.parameters import Value

LEARNING = ("tpe", "cmaes", "gp", "nsga2", "nsga3")
"""The samplers that learn from results."""

GENETIC = ("nsga2", "nsga3")
"""The genetic samplers: they cross the best configurations of a generation."""

CONSTRAINT_AWARE = ("tpe", "gp", *GENETIC)
"""The samplers that learn several objectives and constraints."""


LARGEST_GRID = 10_000
"""The most configurations that `grid` tries without `num_configs`: a larger grid is more likely a mistake."""


class WarmStartSection(Frozen):
    """An earlier sweep whose results the sampler knows before the first proposal.

    Attributes:
        sweep: the name of a sweep below `storage`, or its folder.
        top: the number of its best finished configurations with values in this space.
    """

    sweep: str = Field(min_length=1)
    top: int = Field(default=20, ge=1)


class SearchSection(Frozen):
    """How configurations are proposed.

    Attributes:
        sampler: `tpe`, `gp`, `cmaes`, `nsga2` and `nsga3` learn from results. `random` and `qmc` (a scrambled Sobol
            sequence) do not. `grid` tries every configuration of a finite space. `list` tries `points` alone.
        num_configs: the largest number of configurations that are proposed (default 12). For `grid` the default is
            the whole grid, up to 10,000 configurations.
        seed: the seed of the proposals and of the constants and weights that are searched after training.
        startup: the number of random proposals before `tpe` or `gp` starts to learn.
        population: configurations a generation of `nsga2` and `nsga3` (default 50) and of `cmaes` (default
            4 + 3 ln d for d numbers).
        max_concurrent: the largest number of proposals that are open at once. Proposal n is made from the results of
            the proposals up to n - max_concurrent alone. Proposals therefore do not depend on which trial ends first.
        paper_first: whether the paper's default is tried first, if it lies inside the space.
        points: configurations that are tried next, each by dotted paths. Paths that are not given have the values of
            the paper's default.
        warm_start: an earlier sweep to learn from. None (default): no earlier sweep.
    """

    sampler: Literal["tpe", "random", "qmc", "cmaes", "gp", "nsga2", "nsga3", "grid", "list"] = "tpe"
    num_configs: int = Field(default=12, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    startup: int = Field(default=5, ge=1)
    population: int | None = Field(default=None, ge=4)
    max_concurrent: int = Field(default=4, ge=1)
    paper_first: bool = True
    points: tuple[dict[str, Value], ...] = ()
    warm_start: WarmStartSection | None = None


class AshaScheduler(Frozen):
    """Asynchronous successive halving (Li et al., MLSys 2020): weak trials are pruned at rungs.

    Attributes:
        grace_epochs: the first rung, in epochs. No trial is pruned before it.
        reduction_factor: one in this many of the trials that reach a rung continues.
    """

    name: Literal["asha"] = "asha"
    grace_epochs: int = Field(default=2, ge=1)
    reduction_factor: int = Field(default=3, ge=2)


class HyperbandScheduler(Frozen):
    """Hyperband (Li et al., JMLR 2018): brackets of successive halving, each with a later first rung.

    The last bracket prunes nothing.
    The brackets hedge against runs that are weak early and strong late. Proposal n belongs to bracket
    n mod (number of brackets) and is compared with proposals of its bracket alone.

    Attributes:
        grace_epochs: the first rung of the first bracket, in epochs.
        reduction_factor: one in this many of the trials that reach a rung continues. The first rungs of brackets differ
            by this factor.
    """

    name: Literal["hyperband"] = "hyperband"
    grace_epochs: int = Field(default=2, ge=1)
    reduction_factor: int = Field(default=3, ge=2)


class MedianScheduler(Frozen):
    """The median rule (Golovin et al., KDD 2017): a trial is pruned if its best score so far is below the median.

    Attributes:
        grace_epochs: the first epoch at which a trial may be pruned. Every later epoch may prune too.
        min_proposals: no trial is pruned at an epoch that fewer earlier proposals reached.
    """

    name: Literal["median"] = "median"
    grace_epochs: int = Field(default=2, ge=1)
    min_proposals: int = Field(default=5, ge=2)


class PatienceScheduler(Frozen):
    """Patience: a run of the search ends after a number of epochs without a new best, whatever other runs reach.

    The run counts as finished. Runs of other phases train to the end, unless `base` sets `trainer.early_stopping`.

    Attributes:
        epochs: the number of epochs without a new best score.
    """

    name: Literal["patience"] = "patience"
    epochs: int = Field(default=3, ge=1)


class NoScheduler(Frozen):
    """No early stopping: every trial trains to its end."""

    name: Literal["none"] = "none"


Scheduler = Annotated[
    AshaScheduler | HyperbandScheduler | MedianScheduler | PatienceScheduler | NoScheduler,
    Field(discriminator="name"),
]
