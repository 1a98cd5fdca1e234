"""The section `search` of a sweep's file: how configurations are proposed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from causalmer_core.frozen import Frozen
from sweeps.parameters import Value

LEARNING = ("tpe", "cmaes", "gp", "nsga2", "nsga3")
"""The samplers that learn from results."""

GENETIC = ("nsga2", "nsga3")
"""Of them, those that cross the best of a generation."""

HEEDING = ("tpe", "gp", *GENETIC)
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
