"""What a sweep costs beside training: `python benchmarks/overhead.py [--configs 1000] [--sampler tpe] [--cpus 2]`.

A whole sweep through the command line whose model is as good as nothing: a backbone of width 1 without branches, on
four samples, for one epoch. Measured from its records is the wall time from the first run's start line to the last end
line of the search, less the runs' own time (`seconds` of their epochs, divided by the runs at once), a configuration.
So proposing, building the model, reading data, journals, checkpoints, locks and Ray count; starting Ray does not.
Beside it stands the memory (resident set) of the sweep's own process while the search goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import psutil

from results.records.histories import read_runs
from results.records.layout import SweepLayout

YAML = """\
name: overhead
data:
  name: four
  synthetic: {{seed: 0, train: 4, valid: 4, test: 4, emotions: 1, time: 1}}
base:
  model:
    debiasing: none
    backbone: {{name: early_fusion_lstm, hidden_dim: 1}}
  trainer: {{max_epochs: 1}}
space:
  optimiser.learning_rates.backbone: {{float: [1e-4, 1e-1], log: true}}
search: {{num_configs: {configs}, sampler: {sampler}, max_concurrent: {at_once}}}
scheduler: {{name: none}}
seeds: {{confirm: 1, top_k: 1}}
"""


def main() -> None:
    """Run the sweep, and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--configs", type=int, default=1000)
    parser.add_argument("--sampler", choices=["tpe", "random"], default="tpe")
    parser.add_argument("--cpus", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overhead.yaml"
        text = YAML.format(configs=given.configs, sampler=given.sampler, at_once=2 * given.cpus)
        file.write_text(text, encoding="utf-8")
        layout = SweepLayout(Path(folder) / "causalmer_runs" / "overhead")
        memory = run(file, layout, given.cpus)
        report(layout, memory, given.cpus)


def run(file: Path, layout: SweepLayout, cpus: int) -> list[tuple[int, float]]:
    """Run the sweep; pairs of runs begun and the memory of the process in MB, one a second."""
    command = [
        sys.executable,
        "-c",
        "from sweeps.cli.main import main; main()",
        "run",
        file.name,
        "--cpus",
        str(cpus),
    ]
    memory = []
    with (file.parent / "output").open("w") as output:
        sweep = subprocess.Popen(command, cwd=file.parent, stdout=output, stderr=subprocess.STDOUT)
        process = psutil.Process(sweep.pid)
        while sweep.poll() is None:
            begun = len(list(layout.run_journals.glob("*.jsonl"))) if layout.run_journals.exists() else 0
            try:
                memory.append((begun, process.memory_info().rss / 2**20))
            except psutil.NoSuchProcess:
                break
            time.sleep(1.0)
    if sweep.wait() != 0:
        sys.exit((file.parent / "output").read_text(encoding="utf-8"))
    return memory


def report(layout: SweepLayout, memory: list[tuple[int, float]], cpus: int) -> None:
    """Print the cost of a configuration and the memory at tenths of the search."""
    runs = [history for history in read_runs(layout, reconcile=True) if history.phase == "search"]
    times = [
        datetime.fromisoformat(text)
        for history in runs
        for begin, end, _ in history.spans
        for text in (begin, end)
    ]
    wall = (max(times) - min(times)).total_seconds()
    own = sum(history.seconds for history in runs)
    beyond = (wall - own / cpus) / len(runs)
    print(f"{len(runs)} configurations in {wall:.1f} s, of which {own:.1f} s training on {cpus} CPUs")
    print(f"{beyond:.3f} s each beyond their own time")
    for tenth in range(1, 11):
        reached = [size for begun, size in memory if begun >= len(runs) * tenth / 10]
        if reached:
            print(f"{len(runs) * tenth // 10:6d} runs: {reached[0]:.0f} MB")


if __name__ == "__main__":
    main()
