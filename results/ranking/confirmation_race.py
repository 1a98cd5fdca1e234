"""The confirmation: how many seeds each of the best configurations is given, and which of them leaves when.

The configurations race on common seeds. A round adds seeds to all that are still in; after it a named rule says who
leaves. What stands is a function of the records alone: it is derived anew whenever it is asked for, so a kill loses
nothing of it.
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
    """A round that is over.

    Attributes:
        seeds: what it added.
        active: who ran on them.
        chances: of being the best, after it, of those that finished; empty where the rule asks for none.
        eliminated: who left after it by the rule.
        failed: who did not finish on all of its seeds, and is out for that.
    """

    seeds: tuple[int, ...]
    active: tuple[str, ...]
    chances: Mapping[str, float]
    eliminated: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Race:
    """How the confirmation stands.

    Attributes:
        rounds: those that are over.
        active: who is still in.
        pending: the seeds of the round that is on or comes next; empty: it is over.
    """

    rounds: tuple[Round, ...]
    active: tuple[str, ...]
    pending: tuple[int, ...]

    def seeds_of(self, racer: str) -> tuple[int, ...]:
        """The seeds that a racer is due to run on, by now."""
        held = [seed for each in self.rounds if racer in each.active for seed in each.seeds]
        return (*held, *(self.pending if racer in self.active else ()))

    def eliminated_after(self, racer: str) -> Round | None:
        """The round after which a racer left by the rule."""
        return next((each for each in self.rounds if racer in each.eliminated), None)

    def last_chance(self, racer: str) -> float | None:
        """A racer's chance of being the best when the rule last asked for it."""
        chances = [each.chances[racer] for each in self.rounds if racer in each.chances]
        return chances[-1] if chances else None


def _never(_: str, __: Sequence[int]) -> bool:
    return False


def race(
    rule: RaceRule | HalvingRule | AllRule,
    outcomes: Mapping[str, Mapping[int, float | None]],
    seeds: Sequence[int],
    *,
    earlier: Sequence[int] = (),
    searched: Sequence[float] = (),
    direction: Direction,
    violates: Callable[[str, Sequence[int]], bool] = _never,
) -> Race:
    """How the confirmation stands by these records.

    A racer that violates a constraint so far outdoes nobody and is not given up by its chance, which is asked among the
    others alone: its mean may yet come within. Halving lets it leave first.

    Args:
        rule: who leaves when.
        outcomes: by racer and seed the score; none where the run ended without one. A run that has not ended is absent.
        seeds: of the confirmation, in the order in which they are added.
        earlier: seeds from before the confirmation whose scores count as well.
        searched: the scores of all configurations of the search that finished, means over `earlier`: how far
            configurations differ. Without `earlier` they are not looked at.
        direction: whether more (`max`) or less (`min`) of a score is better.
        violates: whether a racer's means over some seeds violate a constraint.
    """
    planned = _planned(rule, len(outcomes), seeds)
    rows = {racer: _scores(outcomes[racer], earlier, direction) for racer in sorted(outcomes)}
    active, held, spent = list(rows), list[Round](), 0.0
    for number, (added, keep) in enumerate(planned, start=1):
        if not active or (len(active) == 1 < len(outcomes) and not isinstance(rule, AllRule)):
            break
        if any(seed not in outcomes[racer] for racer in active for seed in added):
            return Race(tuple(held), tuple(active), added)
        due = [*earlier, *(seed for each in held for seed in each.seeds)]
        whole = []
        for racer in active:
            if len(rows[racer]) == len(due):
                rows[racer] += _scores(outcomes[racer], added, direction)
            if len(rows[racer]) == len(due) + len(added):
                whole.append(racer)
        within = [racer for racer in whole if not violates(racer, [*due, *added])]
        chances: Mapping[str, float] = {}
        eliminated: list[str] = []
        if isinstance(rule, RaceRule):
            chances = _chances(rows, within, searched if earlier else (), len(earlier))
        if number < len(planned) and isinstance(rule, RaceRule):
            eliminated = _least_likely(chances, rule.max_error * number / (len(planned) - 1) - spent)
            spent += sum(chances[racer] for racer in eliminated)
        elif number < len(planned) and isinstance(rule, HalvingRule):
            eliminated = sorted(whole, key=lambda racer: (racer not in within, -sum(rows[racer])))[keep:]
        failed = tuple(racer for racer in active if racer not in whole)
        held.append(Round(added, tuple(active), chances, tuple(eliminated), failed))
        active = [racer for racer in whole if racer not in eliminated]
    return Race(tuple(held), tuple(active), ())


def most_confirmation_runs(rule: RaceRule | HalvingRule | AllRule, active: int, seeds: int) -> int:
    """How many runs a confirmation of so many configurations has at most."""
    runs, active = 0, active
    for added, keep in _planned(rule, active, range(seeds)):
        runs += active * len(added)
        active = keep
    return runs


def _scores(outcome: Mapping[int, float | None], seeds: Sequence[int], direction: Direction) -> list[float]:
    """On these seeds, up to the first without a score; higher is better."""
    scores = itertools.takewhile(lambda score: score is not None, (outcome.get(seed) for seed in seeds))
    return [oriented(score, direction) for score in scores if score is not None]


def _chances(
    rows: Mapping[str, Sequence[float]], active: Sequence[str], searched: Sequence[float], searched_seeds: int
) -> dict[str, float]:
    """Of those that are racing; the scores of others tell how far scores differ, without the last of one that runs on
    and outdoes nobody.
    """
    if not active:
        return {}
    seeds = len(rows[active[0]])
    scores = np.full((len(rows), seeds), np.nan)
    for line, (racer, row) in zip(scores, rows.items(), strict=True):
        known = row if racer in active else row[: seeds - 1]
        line[: len(known)] = known
    found = dict(zip(rows, probability_best(scores, searched, searched_seeds).tolist(), strict=True))
    return {racer: found[racer] for racer in active}


def _planned(
    rule: RaceRule | HalvingRule | AllRule, active: int, seeds: Sequence[int]
) -> list[tuple[tuple[int, ...], int]]:
    """The rounds: their seeds, and how many go on after each at most."""
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
    """Seeds of each round, growing by the factor as far as whole numbers allow, and who goes on after it."""
    rounds, going_on = 1, active // factor
    while going_on >= factor:
        rounds, going_on = rounds + 1, going_on // factor
    rounds = min(rounds, seeds)
    whole = (factor**rounds - 1) / (factor - 1)
    ends = [0]
    for number in range(1, rounds + 1):
        share = round(seeds * (factor**number - 1) / (factor - 1) / whole)
        ends.append(min(max(share, ends[-1] + 1), seeds - (rounds - number)))
    keeps = [max(active // factor**number, 1) for number in range(1, rounds + 1)]
    return [b - a for a, b in itertools.pairwise(ends)], keeps


def _least_likely(chances: Mapping[str, float], allowed: float) -> list[str]:
    """As many of the least likely as have chances of at most `allowed` together, but never one of the likeliest."""
    likeliest = max(chances.values(), default=0.0)
    order = sorted((racer for racer in chances if chances[racer] < likeliest), key=chances.__getitem__)
    sums = np.cumsum([chances[racer] for racer in order])
    return order[: int((sums <= allowed).sum())]
