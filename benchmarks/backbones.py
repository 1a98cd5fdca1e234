"""Every backbone with and without debiasing on one data set: test scores, missing modalities, contributions, costs.

    python benchmarks/backbones.py [--data mosi] [--storage causalmer_runs] [--only mult,dmd]

Runs `sweeps/configs/mosi_backbone.yaml` once a backbone (a sweep that is there already is read, not run again), so
every number comes from the same final evaluation as any sweep's: means over three fresh seeds with 95% t intervals.
The gap of a modality is what its removal costs (features set to zero); spread is the standard deviation of the gaps
over the six subsets with one or two modalities missing; contributions are exact Shapley values. An epoch's seconds and
memory (above what the process holds before the model is built) are measured in a process of their own, on one thread.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name, subsets
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.store import default_root, open_training_data
from causalmer_core.measures.modality_analysis import drop_gaps, shapley
from causalmer_core.training.trainer import Trainer
from results.records.dataset import open_sweep
from results.statistics.intervals import paired_difference, t_interval
from sweeps.spec.configurations import undebiased
from sweeps.spec.sweep_spec import load_spec

SWEEP = Path(__file__).parents[1] / "sweeps" / "configs" / "mosi_backbone.yaml"
WITHOUT_CONVOLUTIONS = {"kernel_text": 1, "kernel_audio": 1, "kernel_vision": 1}
BACKBONES: Mapping[str, dict[str, Any]] = {
    "mult": {"name": "mult", "layers": 1, **WITHOUT_CONVOLUTIONS},
    "dmd": {"name": "dmd", "layers": 1, **WITHOUT_CONVOLUTIONS},
    "pmr": {"name": "pmr", "layers": 1, **WITHOUT_CONVOLUTIONS},
    "early_fusion_lstm": {"name": "early_fusion_lstm"},
    "late_fusion_lstm": {"name": "late_fusion_lstm"},
    "unimodal-text": {"name": "unimodal", "modality": "text"},
    "unimodal-audio": {"name": "unimodal", "modality": "audio"},
    "unimodal-vision": {"name": "unimodal", "modality": "vision"},
}
CONTENDERS = {"selected": "debiased", "undebiased": "alone"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="mosi")
    parser.add_argument("--storage", type=Path, default=Path("causalmer_runs"))
    parser.add_argument("--only", default=",".join(BACKBONES))
    parser.add_argument("--cost-of", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cost_of:
        print(json.dumps(_cost(arguments.data, *arguments.cost_of)))
        return
    baselines: set[str] = set()
    heads = ("backbone", "predicts", "test accuracy", "debiasing gains", "gap -t -a -v", "spread of gaps")
    _print_row(*heads, "contributions t a v", "s an epoch", "MiB")
    _print_row(*["---"] * 9)
    for name in arguments.only.split(","):
        sweep = _sweep(name, arguments.data, arguments.storage)
        evaluations = sweep.evaluations
        for contender, word in CONTENDERS.items():
            seconds, memory = _measured_cost(arguments.data, name, word)
            cells = _cells(evaluations, contender)
            _print_row(name, word, *cells, f"{seconds:.1f}", f"{memory:.0f}")
        baselines.update(_baselines(evaluations))
    for line in sorted(baselines):
        print(line)


def _print_row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def _sweep(name: str, data: str, storage: Path) -> Any:
    folder = storage / f"{data}-{name}"
    if not (folder / "report.html").exists():
        overrides = {
            "name": folder.name,
            "storage": str(storage),
            "data.name": data,
            "base.model.backbone": json.dumps(BACKBONES[name]),
        }
        options = [word for key, value in overrides.items() for word in ("--set", f"{key}={value}")]
        command = [str(Path(sys.executable).with_name("causalmer")), "run", str(SWEEP), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return open_sweep(folder)


def _cells(evaluations: Any, contender: str) -> Iterator[str]:
    scores = _scores(evaluations, contender)
    whole = scores[frozenset(MODALITIES)]
    yield str(t_interval(list(whole.values())))
    other = _scores(evaluations, "undebiased")[frozenset(MODALITIES)]
    if contender == "selected":
        found = paired_difference(whole, other).interval
        yield f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
    else:
        yield ""
    by_seed = {present: np.array([values[s] for s in sorted(whole)]) for present, values in scores.items()}
    gaps, shares = drop_gaps(by_seed), shapley(by_seed)
    everything = frozenset(MODALITIES)
    yield " ".join(f"{gaps.gaps[everything - {m}].mean():+.3f}" for m in MODALITIES)
    yield f"{gaps.std.mean():.3f}"
    yield " ".join(f"{shares[m].mean():+.3f}" for m in MODALITIES)


def _scores(evaluations: Any, contender: str) -> dict[frozenset[Modality], dict[int, float]]:
    """The test accuracy by the modalities present, then by seed; removal by zeros."""
    rows = evaluations[(evaluations.contender == contender) & (evaluations.ablation == "zero")]
    return {
        present: rows[rows.present == subset_name(present)]
        .set_index("seed")["accuracy"]
        .astype(float)
        .to_dict()
        for present in subsets()
    }


def _baselines(evaluations: Any) -> Iterator[str]:
    rows = evaluations[evaluations.config_id.isna() & (evaluations.present == "tav")]
    return (f"{row.contender}: {row.accuracy:.4f}" for row in rows.itertuples())


def _measured_cost(data: str, name: str, word: str) -> tuple[float, float]:
    command = [sys.executable, __file__, "--data", data, "--cost-of", name, word]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["seconds"], found["mebibytes"]


def _cost(data: str, name: str, word: str) -> dict[str, float]:
    """Train two epochs in this process: the seconds of the second, and the peak memory above what there was before."""
    torch.set_num_threads(1)
    spec = load_spec(SWEEP, {"base.model.backbone": BACKBONES[name]})
    loaded = open_training_data(default_root(), data)
    config: RunConfig = spec.configurations.on(loaded.fingerprint).base.with_values({"trainer.max_epochs": 2})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    trainer = Trainer(
        config if word == "debiased" else undebiased(config), loaded, seed=0, device=torch.device("cpu")
    )
    *_, last = trainer.epochs()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": last.seconds, "mebibytes": (peak - before) / 1024}


if __name__ == "__main__":
    main()
