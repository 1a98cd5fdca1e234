"""The section `search` of a sweep's file: how configurations are proposed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from causalmer_core.basics.validation import Frozen
from sweeps.space.parameters import Value

LEARNING = ("tpe", "cmaes", "gp", "nsga2", "nsga3")
"""The samplers that learn from results."""

GENETIC = ("nsga2", "nsga3")
"""Of them, those that cross the best of a generation."""

CONSTRAINT_AWARE = ("tpe", "gp", *GENETIC)
"""Of them, those that learn several objectives and constraints."""


class WarmStartSection(Frozen):
    """An earlier sweep whose results the sampler knows before the first proposal.

    Attributes:
        sweep: the name of a sweep below `storage`, or its folder.
        top: so many of its best finished search runs are taken, of those whose values lie in this space.
    """

    sweep: str = Field(min_length=1)
    top: int = Field(default=20, ge=1)


class SearchSection(Frozen):
    """How configurations are proposed.

    Attributes:
        sampler: `tpe`, `gp`, `cmaes`, `nsga2` and `nsga3` learn from results; `random` and `qmc` (a scrambled Sobol
            sequence) do not; `grid` tries every configuration of a finite space; `list` tries `points` alone.
        num_configs: how many configurations are proposed, at most.
        seed: the seed of the proposals, and of the streams `debiasing/...` of what is chosen after training.
        startup: how many of the first proposals are random before `tpe` or `gp` starts to learn.
        population: configurations a generation of `nsga2` and `nsga3` (default 50) and of `cmaes` (default
            4 + 3 ln d for d numbers).
        max_concurrent: how many proposals may be open at once. Proposal n is made from the results of
            proposals up to n - max_concurrent and no others, so that the sweep does not depend on which trial
            ends first.
        paper_first: whether the paper's default is tried first, where it lies inside the space.
        points: configurations that are tried next, each by dotted paths; what is not given is the paper default's.
        warm_start: an earlier sweep to learn from, or none.
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


# FOLDED The section `scheduler` of a sweep's file: whether, and how, weak runs of the search are cut early.
class AshaScheduler(Frozen):
    """Asynchronous successive halving (Li et al., MLSys 2020): weak trials are cut early.

    Attributes:
        grace_epochs: no trial is cut before it.
        reduction_factor: of those that reach a rung, one in this many goes on.
    """

    name: Literal["asha"] = "asha"
    grace_epochs: int = Field(default=2, ge=1)
    reduction_factor: int = Field(default=3, ge=2)


class HyperbandScheduler(Frozen):
    """Hyperband (Li et al., JMLR 2018): brackets of successive halving, each with a later first rung; one cuts nothing.

    It hedges against runs that are weak early and strong late. Proposal n belongs to bracket n mod (number of brackets)
    and is held against proposals of its bracket alone.

    Attributes:
        grace_epochs: the first rung of the first bracket.
        reduction_factor: of those that reach a rung, one in this many goes on; brackets begin so many times later.
    """

    name: Literal["hyperband"] = "hyperband"
    grace_epochs: int = Field(default=2, ge=1)
    reduction_factor: int = Field(default=3, ge=2)


class MedianScheduler(Frozen):
    """The median rule (Golovin et al., KDD 2017): a trial is cut where its best score so far is below the median.

    Attributes:
        grace_epochs: no trial is cut before it; after it, every epoch may cut.
        min_proposals: an epoch that fewer earlier proposals reached cuts none.
    """

    name: Literal["median"] = "median"
    grace_epochs: int = Field(default=2, ge=1)
    min_proposals: int = Field(default=5, ge=2)


class PatienceScheduler(Frozen):
    """A run of the search ends after so many epochs without a new best; no run is held against another.

    The run counts as finished. Confirmation trains to the end: for that too, set `trainer.early_stopping` in `base`.

    Attributes:
        epochs: without a new best score.
    """

    name: Literal["patience"] = "patience"
    epochs: int = Field(default=3, ge=1)


class NoScheduler(Frozen):
    """Every trial trains to its end."""

    name: Literal["none"] = "none"


Scheduler = Annotated[
    AshaScheduler | HyperbandScheduler | MedianScheduler | PatienceScheduler | NoScheduler,
    Field(discriminator="name"),
]
