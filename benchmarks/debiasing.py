"""How many choices of constants and weights are judged in a second, against training a run anew for each.

    python benchmarks/debiasing.py [--vectors 2000] [--rounds 5]

In every round all ways are timed side by side on one CPU thread, so that what else the machine does meets all of them;
medians over rounds, with the least and the most. Logits are random at the sizes of validation splits; for `quickstart`
they are a trained run's, and that run is trained anew as the third way. One at a time is `tie` and `compute_metrics`,
which computes every metric of the task.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.statistics import feature_statistics
from causalmer_core.datasets.synthetic import SyntheticConfig, make_synthetic
from causalmer_core.debiasing.cached_logits import CachedLogits, collect, scores, tie
from causalmer_core.debiasing.fit import learned
from causalmer_core.debiasing.vector import DebiasingVector, Vectors
from causalmer_core.measures.metrics import compute_metrics, predicted_labels
from causalmer_core.training.trained_model import TrainedModel
from causalmer_core.training.trainer import Trainer
from sweeps.debiasing.folds import sample_folds
from sweeps.debiasing.search import candidates, searched

SMALL = {
    "model.backbone": {"hidden_dim": 16, "num_heads": 4, "layers": 1, "memory_layers": 1},
    "model.text_branch": {"name": "transformer", "hidden_dim": 16},
    "model.audio_branch": {"name": "small_conv", "hidden_dim": 16},
    "model.vision_branch": {"name": "small_conv", "hidden_dim": 16},
    "trainer.max_epochs": 6,
}
ONE_AT_A_TIME = 100


@dataclass(frozen=True)
class Case:
    name: str
    cached: CachedLogits
    metric: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vectors", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = quickstart_data()
    trained = train(data)
    cases = [
        Case(
            "quickstart, trained run: 200 samples, 2 outputs",
            collect(trained, trained.data.valid),
            "accuracy",
        ),
        Case("MOSI as a score: 229 samples, 1 output", random_logits(229, "regression"), "mae"),
        Case("IEMOCAP: 798 samples, 8 outputs", random_logits(798, "emotions"), "accuracy"),
        Case("IEMOCAP: 798 samples, 8 outputs", random_logits(798, "emotions"), "weighted_f1"),
    ]
    vectors = random_vectors(arguments.vectors)
    console = Console(width=120)
    table = Table("logits", "metric", "at once, a second", "one at a time, a second", "ratio [least, most]")
    for case in cases:
        rounds = [compare(case, vectors) for _ in range(arguments.rounds)]
        ratios = sorted(fast / slow for fast, slow in rounds)
        fast, slow = (median(column) for column in zip(*rounds, strict=True))
        spread = f"{median(ratios):.0f} [{ratios[0]:.0f}, {ratios[-1]:.0f}]"
        table.add_row(case.name, case.metric, f"{fast:,.0f}", f"{slow:,.0f}", spread)
    console.print(table)
    against_training(console, data, cases[0], vectors, arguments.rounds)


def compare(case: Case, vectors: Vectors) -> tuple[float, float]:
    """Vectors a second, at once and one at a time."""
    few = vectors[:ONE_AT_A_TIME]
    fast = len(vectors) / seconds(lambda: scores(case.cached, vectors, case.metric))
    return fast, len(few) / seconds(lambda: [slowly(case, DebiasingVector(*row)) for row in few])


def slowly(case: Case, vector: DebiasingVector) -> float:
    task = case.cached.task
    predicted = predicted_labels(task, tie(case.cached, vector))
    return compute_metrics(task, predicted, case.cached.labels)[case.metric]


def against_training(console: Console, data: TrainingData, case: Case, vectors: Vectors, rounds: int) -> None:
    """The quick start's run trained anew, and what a whole choice after training takes, in the same rounds."""
    folds = sample_folds(data.valid.ids, 5, 0)
    proposing = seconds(lambda: candidates(len(vectors), 0))
    ways: dict[str, Callable[[], object]] = {
        "train the run anew (6 epochs)": lambda: train(data),
        f"judge {len(vectors)} vectors": lambda: scores(case.cached, vectors, case.metric),
        "searched, nested, candidates at hand": lambda: searched(
            case.cached, (0.1, 0.1, 0.1), folds, metric="accuracy", direction="max", trials=len(vectors)
        ),
        "learned": lambda: learned(case.cached, (0.1, 0.1, 0.1)),
    }
    taken = [[seconds(way) for way in ways.values()] for _ in range(rounds)]
    table = Table("quickstart", "seconds [least, most]", "of one training")
    for name, column in zip(ways, zip(*taken, strict=True), strict=True):
        share = median(one / row[0] for one, row in zip(column, taken, strict=True))
        table.add_row(name, f"{median(column):.4f} [{min(column):.4f}, {max(column):.4f}]", f"{share:.4f}")
    console.print(table)
    each = median(row[0] / (row[1] / len(vectors)) for row in taken)
    console.print(
        f"in the time of one training {each:,.0f} vectors are judged; "
        f"proposing {len(vectors)} candidates with Optuna takes {proposing:.1f} s, once a sweep"
    )


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def quickstart_data() -> TrainingData:
    made = make_synthetic(SyntheticConfig(train=400, valid=200, test=1))
    train_split = made.splits["train"]
    return TrainingData(
        name="quickstart",
        task=made.task,
        fingerprint="0" * 64,
        train=train_split,
        valid=made.splits["valid"],
        statistics={m: feature_statistics(train_split.features[m]) for m in MODALITIES},
    )


def train(data: TrainingData) -> TrainedModel:
    config = RunConfig().with_values(SMALL)
    trainer = Trainer(config, data, seed=0, device=torch.device("cpu"))
    for _ in trainer.epochs():
        pass
    return TrainedModel(trainer.model, config, seed=0, epoch=6, data=data)


def random_vectors(count: int) -> Vectors:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(-2, 2, (count, 3)), rng.uniform(0, 2, (count, 3))], axis=1)


def random_logits(samples: int, kind: str) -> CachedLogits:
    rng = np.random.default_rng(0)
    labels = ("neutral", "happy", "sad", "angry") if kind == "emotions" else ("sentiment",)
    task = Task(kind=TaskKind(kind), labels=labels)
    z_m, z_t, z_a, z_v = rng.standard_normal((4, samples, task.num_outputs)).astype(np.float32)
    truth = rng.integers(0, 2, (samples, 4)) if kind == "emotions" else rng.uniform(-3, 3, samples)
    return CachedLogits(z_m, z_t, z_a, z_v, truth, task, "mask")


if __name__ == "__main__":
    main()
