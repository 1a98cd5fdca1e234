"""The section `scheduler` of a sweep's file: whether, and how, weak runs of the search are cut early."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from causalmer_core.frozen import Frozen


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
