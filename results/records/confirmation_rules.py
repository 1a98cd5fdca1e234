"""The rules of the confirmation: how many seeds the best configurations of the search run on, and when one is out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from causalmer_core.basics.validation import Frozen


class AllRule(Frozen):
    """Nobody leaves: all of them run on all seeds."""

    name: Literal["all"] = "all"


class HalvingRule(Frozen):
    """Halving over seeds (Karnin et al., "Almost optimal exploration in multi-armed bandits", ICML 2013, with seeds as
    pulls): after each round the worse half by mean leaves, and the next round has twice as many seeds.

    Attributes:
        reduction_factor: one in so many goes on, and a round has so many times the seeds of the one before.
    """

    name: Literal["halving"] = "halving"
    reduction_factor: int = Field(default=2, ge=2)


class RaceRule(Frozen):
    """A configuration leaves when its chance of being the best is small.

    After each round the chances come from all scores so far, those of the search and of who has left among them (see
    `results.statistics.probability_best`). Those with the smallest leave, as many as keep the sum of all chances that have left within the
    error allowed by then: `max_error` is spent evenly over the rounds, and what is left over goes to later ones. A
    chance at the time of leaving is the probability, given all that was seen, that the best one leaves; so under the
    model the best of those that race leaves with a probability of at most `max_error`.

    It usually leaves far less often: the last few are too close to each other for any of them to leave. What other
    bounds cost and gain stands in docs/policies.md.

    Attributes:
        max_error: the bound on the probability that the best leaves, over the whole race.
        seeds_per_round: how many seeds a round adds.
    """

    name: Literal["race"] = "race"
    max_error: float = Field(default=0.1, gt=0.0, lt=1.0)
    seeds_per_round: int = Field(default=1, ge=1)


ConfirmationRule = Annotated[RaceRule | HalvingRule | AllRule, Field(discriminator="name")]
