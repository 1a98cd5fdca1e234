"""The confirmation race: the seeds of each of the best configurations, and their elimination.

The configurations race on common seeds. A round adds seeds to all active configurations. After it a named rule
eliminates some of them. The race is a pure function of the records and is computed anew at each use, so a kill loses
nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from causalmer_core.measures.metrics import Direction, oriented
from results.records.confirmation_rules import AllRule, HalvingRule, RaceRule
from results.statistics.probability_best import probability_best


@dataclass(frozen=True, slots=True)
class Round:
    """A completed round.

    Attributes:
        seeds: the seeds that it added.
        active: the configurations that ran on these seeds.
        chances: the probability of being the best after the round, by configuration that finished it. Empty where the
            rule uses none.
        eliminated: the configurations that the rule eliminated after the round.
        failed: the configurations that did not finish on all of its seeds, and are out of the race.
    """

    seeds: tuple[int, ...]
    active: tuple[str, ...]
    chances: Mapping[str, float]
    eliminated: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Race:
    """The confirmation race so far.

    Attributes:
        rounds: the completed rounds.
        active: the configurations that are still in the race.
        pending: the seeds of the current round. Empty if the race is over.
    """

    rounds: tuple[Round, ...]
    active: tuple[str, ...]
    pending: tuple[int, ...]

    def seeds_of(self, config_id: str) -> tuple[int, ...]:
        """The confirm seeds that a configuration should have run on by now."""
        completed = [seed for each in self.rounds if config_id in each.active for seed in each.seeds]
        return (*completed, *(self.pending if config_id in self.active else ()))

    def eliminated_after(self, config_id: str) -> Round | None:
        """The round after which the rule eliminated a configuration. None if it did not."""
        return next((each for each in self.rounds if config_id in each.eliminated), None)

    def last_chance(self, config_id: str) -> float | None:
        """A configuration's last computed probability of being the best. None if there is none."""
        chances = [each.chances[config_id] for each in self.rounds if config_id in each.chances]
        return chances[-1] if chances else None


def race(
    rule: RaceRule | HalvingRule | AllRule,
    outcomes: Mapping[str, Mapping[int, float | None]],
    seeds: Sequence[int],
    *,
    earlier: Sequence[int] = (),
    searched: Sequence[float] = (),
    direction: Direction,
    violates: Callable[[str, Sequence[int]], bool] = lambda _, __: False,
) -> Race:
    """The confirmation race according to the outcomes so far.

    A configuration that violates a constraint so far cannot eliminate others. Its mean may still meet the constraint,
    so the race rule does not eliminate it either. Halving eliminates such configurations first.

    Args:
        rule: the rule that eliminates configurations.
        outcomes: the scores by configuration and seed. None for a run that ended without a score. Runs that have not
            ended are absent.
        seeds: the confirm seeds, in the order in which they are added.
        earlier: search seeds whose scores count as well.
        searched: the mean scores over `earlier` of all finished configurations of the search, shape (searched,). They
            measure how much configurations differ. Ignored without `earlier`.
        direction: whether a higher (`max`) or a lower (`min`) score is better.
        violates: whether a configuration's means over these seeds violate a constraint.
    """
    planned = _planned(rule, len(outcomes), seeds)
    rows = {each: _scores(outcomes[each], earlier, direction) for each in sorted(outcomes)}
    active, completed, spent = list(rows), list[Round](), 0.0
    for number, (added, keep) in enumerate(planned, start=1):
        if not active or (len(active) == 1 < len(outcomes) and not isinstance(rule, AllRule)):
            break
        if any(seed not in outcomes[each] for each in active for seed in added):
            return Race(tuple(completed), tuple(active), added)
        before = [*earlier, *(seed for each in completed for seed in each.seeds)]
        finished = []
        for each in active:
            if len(rows[each]) == len(before):
                rows[each] += _scores(outcomes[each], added, direction)
            if len(rows[each]) == len(before) + len(added):
                finished.append(each)
        feasible = [each for each in finished if not violates(each, [*before, *added])]
        chances: Mapping[str, float] = {}
        eliminated: list[str] = []
        if isinstance(rule, RaceRule):
            chances = _chances(rows, feasible, searched if earlier else (), len(earlier))
        # After the last round nothing is eliminated: every active configuration has all seeds.
        if number < len(planned) and isinstance(rule, RaceRule):
            eliminated = _least_likely(chances, rule.max_error * number / (len(planned) - 1) - spent)
            spent += sum(chances[each] for each in eliminated)
        elif number < len(planned) and isinstance(rule, HalvingRule):
            eliminated = sorted(finished, key=lambda each: (each not in feasible, -sum(rows[each])))[keep:]
        failed = tuple(each for each in active if each not in finished)
        completed.append(Round(added, tuple(active), chances, tuple(eliminated), failed))
        active = [each for each in finished if each not in eliminated]
    return Race(tuple(completed), tuple(active), ())


def most_confirmation_runs(rule: RaceRule | HalvingRule | AllRule, active: int, seeds: int) -> int:
    """The most runs that a confirmation of `active` configurations on `seeds` seeds can have."""
    runs = 0
    for added, keep in _planned(rule, active, range(seeds)):
        runs += active * len(added)
        active = keep
    return runs


def _scores(outcome: Mapping[int, float | None], seeds: Sequence[int], direction: Direction) -> list[float]:
    """The scores on these seeds, up to the first without one; higher is better."""
    scores = itertools.takewhile(lambda score: score is not None, (outcome.get(seed) for seed in seeds))
    return [oriented(score, direction) for score in scores if score is not None]


def _chances(
    rows: Mapping[str, Sequence[float]], active: Sequence[str], searched: Sequence[float], searched_seeds: int
) -> dict[str, float]:
    """The probability of being the best, of each of the `active` configurations."""
    if not active:
        return {}
    seeds = len(rows[active[0]])
    scores = np.full((len(rows), seeds), np.nan)
    for line, (config_id, row) in zip(scores, rows.items(), strict=True):
        # The scores of the others inform about the spread. The last score of an infeasible configuration is dropped:
        # a row with all scores would count as active.
        known = row if config_id in active else row[: seeds - 1]
        line[: len(known)] = known
    found = dict(zip(rows, probability_best(scores, searched, searched_seeds).tolist(), strict=True))
    return {config_id: found[config_id] for config_id in active}


def _planned(
    rule: RaceRule | HalvingRule | AllRule, active: int, seeds: Sequence[int]
) -> list[tuple[tuple[int, ...], int]]:
    """The rounds: the seeds of each, and the most configurations that are active after it."""
    if isinstance(rule, AllRule):
        sizes, keeps = [len(seeds)], [active]
    elif isinstance(rule, RaceRule):
        step = rule.seeds_per_round
        sizes = [min(step, len(seeds) - start) for start in range(0, len(seeds), step)]
        keeps = [active] * len(sizes)
    else:
        sizes, keeps = _halving(rule.reduction_factor, active, len(seeds))
    ends = np.cumsum([0, *sizes]).tolist()
    return [(tuple(seeds[a:b]), keep) for a, b, keep in zip(ends[:-1], ends[1:], keeps, strict=True)]


def _halving(factor: int, active: int, seeds: int) -> tuple[list[int], list[int]]:
    """The number of seeds of each round, and of the configurations active after it.

    The numbers of seeds grow by the factor, as far as whole numbers allow.
    """
    rounds, kept = 1, active // factor
    while kept >= factor:
        rounds, kept = rounds + 1, kept // factor
    rounds = min(rounds, seeds)
    whole = (factor**rounds - 1) / (factor - 1)
    ends = [0]
    for number in range(1, rounds + 1):
        share = round(seeds * (factor**number - 1) / (factor - 1) / whole)
        ends.append(min(max(share, ends[-1] + 1), seeds - (rounds - number)))
    keeps = [max(active // factor**number, 1) for number in range(1, rounds + 1)]
    return [b - a for a, b in itertools.pairwise(ends)], keeps


def _least_likely(chances: Mapping[str, float], allowed: float) -> list[str]:
    """The least likely configurations whose chances sum to at most `allowed`; never one of the most likely."""
    highest = max(chances.values(), default=0.0)
    order = sorted((each for each in chances if chances[each] < highest), key=chances.__getitem__)
    sums = np.cumsum([chances[each] for each in order])
    return order[: int((sums <= allowed).sum())]
