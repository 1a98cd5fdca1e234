"""The memory of trials that share a data set: `python benchmarks/shared_data.py [--megabytes 500] [--trials 8]`.

A data set of random features in a store; then one process, and after it several at once, that train an epoch of a small
model on it, with validation, and wait. Each has then read all of it. Printed are sums over the processes, in MB:

    resident     what each has in memory, what it shares with others counted for each of them
    proportional the same, with what is shared counted once
    own          what each has written to itself: this is what a further trial adds
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil

from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.store import write_dataset

STEPS = 50
WIDTHS = dict(zip(MODALITIES, (300, 74, 35), strict=True))
SAMPLE_BYTES = 4 * STEPS * sum(WIDTHS.values())

TRIAL = """
import sys
from pathlib import Path
import torch
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.store import open_training_data
from causalmer_core.training.device_memory import private_bytes
from causalmer_core.training.compute import claim_threads
from causalmer_core.training.trainer import Trainer

claim_threads(1)
data = open_training_data(Path(sys.argv[1]), "noise")
config = RunConfig().with_values({
    "model.debiasing": "none",
    "model.backbone": {"name": "early_fusion_lstm", "hidden_dim": 1},
    "trainer.batch_size": 128,
    "data.standardise": "always",
})
trainer = Trainer(config, data, seed=int(sys.argv[2]), device=torch.device("cpu"))
next(trainer.epochs())
print(private_bytes(), flush=True)
sys.stdin.readline()
"""


def main() -> None:
    """Write the data, run one and several trials, and print their memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--trials", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = int(given.megabytes * 2**20 / SAMPLE_BYTES)
        write(Path(folder), samples)
        print(f"{samples} samples, {samples * SAMPLE_BYTES / 2**20:.0f} MB of features")
        print("trials  resident  proportional  own")
        for count in (1, given.trials):
            resident, proportional, own = memory(Path(folder), count)
            print(f"{count:6d}  {resident:8.0f}  {proportional:12.0f}  {own:5.0f}")


def write(root: Path, samples: int) -> None:
    """A data set of noise: nine tenths are for training, the others for validation, and a few for the test."""
    rng = np.random.default_rng(0)

    def split(name: str, count: int) -> Split:
        features = {m: rng.standard_normal((count, STEPS, width), np.float32) for m, width in WIDTHS.items()}
        ids = [f"{name}/{number}" for number in range(count)]
        return Split(features, rng.integers(0, 2, (count, 1)), ids)

    counts = {"train": samples * 9 // 10, "valid": samples // 10, "test": 8}
    task = Task(kind=TaskKind.EMOTIONS, labels=("happy",))
    write_dataset(
        root, "noise", task=task, splits={name: split(name, count) for name, count in counts.items()}
    )


def memory(root: Path, count: int) -> tuple[float, float, float]:
    """Of so many trials at once, when all have trained their epoch."""
    trials = [
        subprocess.Popen(
            [sys.executable, "-c", TRIAL, str(root), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(count)
    ]
    try:
        own = sum(int(trial.stdout.readline()) for trial in trials if trial.stdout is not None)
        full = [psutil.Process(trial.pid).memory_full_info() for trial in trials]
    finally:
        for trial in trials:
            trial.communicate("\n")
    return sum(info.rss for info in full) / 2**20, sum(info.pss for info in full) / 2**20, own / 2**20


if __name__ == "__main__":
    main()
