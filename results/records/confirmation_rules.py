"""The rules of the confirmation, which eliminate configurations seed by seed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from causalmer_core.basics.validation import Frozen


class AllRule(Frozen):
    """No elimination: every configuration runs on all seeds."""

    name: Literal["all"] = "all"


class HalvingRule(Frozen):
    """Halving over seeds: each round eliminates the worse half by mean, and the next round has twice as many seeds.

    Source: Karnin et al., "Almost optimal exploration in multi-armed bandits", ICML 2013, with seeds as pulls.

    Attributes:
        reduction_factor: a round keeps one configuration in this number, and has this number of times the seeds of the
            round before. At least 2, default 2.
    """

    name: Literal["halving"] = "halving"
    reduction_factor: int = Field(default=2, ge=2)


class RaceRule(Frozen):
    """A race: configurations whose probability of being the best is small are eliminated.

    After each round the probabilities are computed from all scores so far. The scores of the search and of eliminated
    configurations count, too (see `results.statistics.probability_best`). The least probable configurations are
    eliminated, as long as the sum over all eliminated ones stays within the error allowed so far. The allowed error
    grows evenly from round to round, up to `max_error`; unused error is kept for later rounds.

    Under the model an eliminated configuration is the best one with its probability at that time. So the whole race
    eliminates the best one with a probability of at most `max_error`. The true rate is usually far lower: the last
    few configurations are too close to each other to be eliminated. docs/policies.md compares other bounds.

    Attributes:
        max_error: the bound on the probability that the race eliminates the best configuration, between 0 and 1.
        seeds_per_round: the number of seeds that a round adds.
    """

    name: Literal["race"] = "race"
    max_error: float = Field(default=0.1, gt=0.0, lt=1.0)
    seeds_per_round: int = Field(default=1, ge=1)


ConfirmationRule = Annotated[RaceRule | HalvingRule | AllRule, Field(discriminator="name")]
