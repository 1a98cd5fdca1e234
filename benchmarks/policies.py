"""What a way of choosing is worth: `python benchmarks/policies.py [--repetitions 200] [--table recorded]`.

Policies are compared on tabulated learning curves (`learning_curves.py`), without any training. A policy gets a draw of
configurations and seeds and sees the scores that its sweep would see. A simulated clock counts its cost. Thresholds,
rounds and probabilities are the product's own (`sweeps.search.early_stopping`, `results.ranking.confirmation_race`).
Proposals are random.

Columns: the chance of picking the truly best configuration; regret, the distance of the pick's truth from the best
one's, with its standard error; optimism, how far the score that chose it lies above its truth; confirmed, the same for
its mean over fresh seeds; runs and epochs of search and confirmation; and the clock in epochs, with so many workers,
until both are over. All but the standard error are means over repetitions.
"""

from __future__ import annotations

import argparse
import functools
import heapq
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from learning_curves import TABLES, Draw, seeds_of

from results.ranking.confirmation_race import race
from results.records.confirmation_rules import AllRule, HalvingRule, RaceRule
from sweeps.search.early_stopping import pruning_reason, rung_thresholds
from sweeps.spec.search_section import AshaScheduler, NoScheduler

MAX_CONCURRENT = 4
"""Of the search: proposal n is held against those up to n - 4."""
NONE, ALL = NoScheduler(), AllRule()


@dataclass(frozen=True)
class Policy:
    """A way of choosing.

    Attributes:
        name: in words.
        search: seeds of each configuration of the search; where there are several, one block and its mean.
        configs: of so many of the table, at most.
        scheduler: what cuts weak ones, by the mean of their block.
        top_k, confirm, rule: of the confirmation; 0 seeds: the search decides.
    """

    name: str
    search: int = 1
    configs: int = 1000
    scheduler: AshaScheduler | NoScheduler = NONE
    top_k: int = 1
    confirm: int = 0
    rule: AllRule | HalvingRule | RaceRule = ALL


class Clock:
    """Workers that take what is ready, in order; times are in epochs."""

    def __init__(self, workers: int) -> None:
        self._free = [0.0] * workers
        self.epochs = 0
        self.runs = 0

    def run(self, epochs: int, *, runs: int = 1, ready: float = 0.0) -> float:
        """Begin as soon as a worker is free and not before `ready`; gives the end.

        A block of several runs is on one worker, at the cost of one after another.
        """
        end = max(heapq.heappop(self._free), ready) + epochs * runs
        heapq.heappush(self._free, end)
        self.epochs += epochs * runs
        self.runs += runs
        return end


def choose(policy: Policy, draw: Draw, workers: int) -> dict[str, float]:
    """What a policy picks, and at what cost."""
    clock = Clock(workers)
    scores, end = _search(policy, draw, clock)
    if policy.confirm:
        scores, end = _confirm(policy, draw, scores, clock, end)
    pick = max(scores, key=lambda config: scores[config])
    return {
        "best": float(draw.truth[pick] == draw.truth.max()),
        "regret": float(draw.truth.max() - draw.truth[pick]),
        "optimism": float(scores[pick] - draw.truth[pick]),
        "confirmed": float(draw.fresh[pick].mean() - draw.truth[pick]),
        "runs": clock.runs,
        "epochs": clock.epochs,
        "clock": end,
    }


def _search(policy: Policy, draw: Draw, clock: Clock) -> tuple[dict[int, float], float]:
    """The scores of those that finished, and when all have ended."""
    means = draw.curves[: policy.configs, : policy.search].mean(axis=1)
    epochs = means.shape[1]
    reached: dict[int, dict[int, float]] = {}
    ends: list[float] = []
    scores = {}
    for number, curve in enumerate(means):
        settled = max(number - MAX_CONCURRENT + 1, 0)
        cuts = isinstance(policy.scheduler, AshaScheduler)
        earlier = {other: reached[other] for other in range(settled)} if cuts else {}
        own = rung_thresholds(policy.scheduler, epochs, earlier, number=number, direction="max")
        missed = (e for e in sorted(own) if pruning_reason(own, e, float(curve[e - 1]), direction="max"))
        last = next(missed, None)
        if last is None:
            scores[number] = float(curve[-1])
        reached[number] = dict(enumerate(curve[: last or epochs].tolist(), start=1))
        ready = max(ends[:settled], default=0.0)
        ends.append(clock.run(last or epochs, runs=policy.search, ready=ready))
    return scores, max(ends)


def _confirm(
    policy: Policy, draw: Draw, searched: dict[int, float], clock: Clock, end: float
) -> tuple[dict[int, float], float]:
    """The mean over all of their seeds of those that stay, and when all have ended."""
    finals = draw.curves[:, :, -1]
    lead = sorted(searched, key=lambda config: -searched[config])[: policy.top_k]
    standing = race(
        policy.rule,
        # of the scores that are given here, the rule looks only at those that the race comes to
        {str(config): dict(enumerate(finals[config].tolist())) for config in lead},
        range(policy.search, policy.search + policy.confirm),
        earlier=range(policy.search),
        searched=list(searched.values()),
        direction="max",
    )
    for each in standing.rounds:
        jobs = len(each.active) * len(each.seeds)
        end = max([clock.run(draw.curves.shape[2], ready=end) for _ in range(jobs)])
    held = {racer: [*range(policy.search), *standing.seeds_of(racer)] for racer in standing.active}
    return {int(racer): float(finals[int(racer), seeds].mean()) for racer, seeds in held.items()}, end


def policies(configs: int, epochs: int, seeds: int) -> list[Policy]:
    """Those that are compared on so many configurations, with so many seeds at most."""
    half, most = configs // 2, seeds - 1
    few, some = max(configs // 5, 4), min(9, most)
    wide = {"top_k": half, "confirm": most}
    found = [
        Policy("argmax of one seed"),
        Policy("mean of 3 seeds", search=3),
        Policy(f"mean of 3 seeds, {configs // 3} configurations", search=3, configs=configs // 3),
        Policy("mean of 5 seeds", search=5),
        Policy(f"top {few // 2} on {some} more seeds", top_k=few // 2, confirm=some),
        Policy(f"top {few} on {some} more seeds", top_k=few, confirm=some),
        Policy(
            f"halving {half} over {3 * most // 4} seeds",
            top_k=half,
            confirm=3 * most // 4,
            rule=HalvingRule(),
        ),
        *(
            Policy(f"race of {half}, error {error}", **wide, rule=RaceRule(max_error=error))
            for error in ERRORS
        ),
        Policy(f"race of {few}, error 0.5", top_k=few, confirm=most, rule=RaceRule(max_error=0.5)),
    ]
    if epochs > 1:
        asha, mild = AshaScheduler(), AshaScheduler(reduction_factor=2)
        active = {"top_k": half, "rule": RaceRule(max_error=0.5)}
        found += [
            Policy("ASHA", scheduler=asha),
            Policy("ASHA with factor 2", scheduler=mild),
            Policy("ASHA, then a race, error 0.5", scheduler=asha, confirm=most, **active),
            Policy("ASHA with factor 2, then a race, error 0.5", scheduler=mild, confirm=most, **active),
            Policy("blocks of 3 seeds, ASHA", search=3, scheduler=asha),
            Policy("blocks of 3 seeds, ASHA with factor 2", search=3, scheduler=mild),
            Policy(
                "blocks of 3, ASHA, then a race, error 0.5",
                search=3,
                scheduler=asha,
                confirm=most - 2,
                **active,
            ),
        ]
    return found


ERRORS = (0.1, 0.3, 0.5, 0.6)


def repetition(name: str, workers: int, key: tuple[int, int]) -> list[dict[str, Any]]:
    """What all policies choose from one draw."""
    seeds = seeds_of(name)
    draw = TABLES[name](np.random.default_rng(key), seeds)
    compared = policies(draw.curves.shape[0], draw.curves.shape[2], seeds)
    return [{"policy": policy.name, **choose(policy, draw, workers)} for policy in compared]


def compare(name: str, repetitions: int, workers: int, seed: int, processes: int) -> pd.DataFrame:
    """A row a policy; all see the same draws."""
    one = functools.partial(repetition, name, workers)
    keys = [(seed, number) for number in range(repetitions)]
    if processes > 1:
        with ProcessPoolExecutor(processes) as pool:
            found = list(pool.map(one, keys, chunksize=max(repetitions // (8 * processes), 1)))
    else:
        found = [one(key) for key in keys]
    by_policy = pd.DataFrame([row for rows in found for row in rows]).groupby("policy", sort=False)
    return by_policy.mean().assign(error=by_policy["regret"].sem(ddof=0)).reset_index()


def show(lines: pd.DataFrame) -> Iterator[str]:
    """The table's lines."""
    yield (
        f"{'policy':42} {'best':>5} {'regret':>15} {'optimism':>8} {'confirmed':>9} "
        f"{'runs':>6} {'epochs':>7} {'clock':>6}"
    )
    for line in lines.itertuples():
        yield (
            f"{line.policy:42} {line.best:5.2f} {line.regret:7.3f} ± {line.error:5.3f} {line.optimism:8.3f} "
            f"{line.confirmed:9.3f} {line.runs:6.1f} {line.epochs:7.0f} {line.clock:6.0f}"
        )


def main() -> None:
    """Compare, and print a table for each table of curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4, help="of the simulated clock")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that simulate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", choices=list(TABLES), action="append", help="default: all three")
    given = parser.parse_args()
    for name in given.table or TABLES:
        print(f"\n{name}: {given.repetitions} repetitions, {given.workers} workers, scores in points")
        lines = compare(name, given.repetitions, given.workers, given.seed, given.processes)
        print("\n".join(show(lines)), flush=True)


if __name__ == "__main__":
    main()
