"""Tables of learning curves that policies are compared on; `python benchmarks/learning_curves.py SWEEP` records one.

- `one number`: 50 configurations, the spread between them as large as between seeds (1 point each), no curves: the
  simulation that designs over seeds are usually compared by;
- `synthetic`: the same at the end of learning curves whose speed has nothing to do with where they end, and with noise
  from epoch to epoch;
- `recorded`: configurations of a small model on CMU-MOSI with several seeds each; recorded_curves.yaml beside this says
  how they were made. The truth of a configuration is its mean over all seeds, those that a policy saw among them; a
  repetition draws the order of configurations and of seeds, and no seed is met twice.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from results.records.dataset import open_sweep

RECORDED = Path(__file__).with_name("recorded_curves.csv")
SEEN, FRESH = 21, 5
"""Seeds that a policy may see and that none sees, in the tables that are drawn."""
LIFTS = 3
"""Further draws of the noise, to tell what a configuration's best epoch is worth."""

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Draw:
    """One repetition.

    Attributes:
        curves: the best score so far by configuration, seed and epoch.
        truth: by configuration.
        fresh: the final scores on seeds that no policy sees, by configuration and seed.
    """

    curves: Floats
    truth: Floats
    fresh: Floats


def one_number(random: np.random.Generator, seeds: int) -> Draw:
    """50 configurations whose truth and whose seeds have the spread 1."""
    truth = random.normal(size=50)
    scores = truth[:, None, None] + random.normal(size=(50, seeds + FRESH, 1))
    return Draw(scores[:, :seeds], truth, scores[:, seeds:, 0])


def synthetic(random: np.random.Generator, seeds: int, epochs: int = 27) -> Draw:
    """The same at the end of curves end - gap exp(-epoch / speed), and noise of 0.3 from epoch to epoch."""
    truth = random.normal(size=50)
    gap, speed = random.uniform(2.0, 10.0, size=(50, 1, 1)), random.uniform(1.0, 6.0, size=(50, 1, 1))
    ends = truth[:, None, None] + random.normal(size=(50, seeds + FRESH, 1))
    means = ends - gap * np.exp(-np.arange(1, epochs + 1) / speed)
    noise = 0.3 * random.normal(size=(1 + LIFTS, 50, seeds + FRESH, epochs))
    curves = np.maximum.accumulate(means + noise[0], axis=2)
    # The best of noisy epochs lies above where the curve ends, the more the sooner it is there.
    lift = np.mean([(means + each).max(axis=2) - ends[:, :, 0] for each in noise[1:]], axis=(0, 2))
    return Draw(curves[:, :seeds], truth + lift, curves[:, seeds:, -1])


def recorded(random: np.random.Generator, seeds: int) -> Draw:
    """The recorded configurations and their seeds, each in a random order; scores in points."""
    table = recorded_table()
    curves = table[random.permutation(table.shape[0])][:, random.permutation(table.shape[1])]
    return Draw(curves[:, :seeds], curves[:, :, -1].mean(axis=1), curves[:, seeds:, -1])


@functools.cache
def recorded_table() -> Floats:
    """Best scores so far in points, by configuration, seed and epoch."""
    rows = pd.read_csv(RECORDED)
    shape = tuple(rows[name].nunique() for name in ("config", "seed", "epoch"))
    return 100.0 * rows.sort_values(["config", "seed", "epoch"])["best"].to_numpy().reshape(shape)


def record(sweep: Path) -> None:
    """Write the best scores so far of all configurations, on the seeds on which all of them have finished."""
    results = open_sweep(sweep)
    manifest = results.manifest
    own = set(results.runs.loc[results.runs["phase"] == "search", "config_id"])
    rows = results.epochs[results.epochs["config_id"].isin(own)]
    scores = rows.pivot_table(
        index="seed", columns=["config_id", "epoch"], values=f"valid_{manifest.monitor}"
    )
    best = scores.dropna().T.groupby("config_id").cummax()
    numbers = {config_id: number for number, config_id in enumerate(sorted(own))}
    table = best.stack().rename("best").reset_index()
    table["config"] = table["config_id"].map(numbers)
    table = table[["config", "seed", "epoch", "best"]].sort_values(["config", "seed", "epoch"])
    table.to_csv(RECORDED, index=False, float_format="%.4f")
    print(f"{RECORDED}: {len(own)} configurations, {best.shape[1]} seeds each")


TABLES: dict[str, Callable[[np.random.Generator, int], Draw]] = {
    "one number": one_number,
    "synthetic": synthetic,
    "recorded": recorded,
}


def seeds_of(name: str) -> int:
    """How many seeds a policy may see; of the recorded ones all but three."""
    return min(SEEN, recorded_table().shape[1] - 3) if name == "recorded" else SEEN


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write recorded_curves.csv anew from a sweep's records.")
    parser.add_argument("sweep", type=Path, help="the folder of the sweep")
    record(parser.parse_args().sweep)
