"""What a large sweep's records cost to read: `python benchmarks/records_scale.py [--runs 100000] [--epochs 100]`.

Builds the tables of a made-up sweep, 20 seeds a configuration, through the compaction itself, then asks each question
in a fresh process, five times: printed are the median, and the peak memory of the process beyond that of its imports.
The same is asked of one Parquet file a run, too (`--files 0`: not).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from results.records import compaction
from results.records.histories import RunHistory
from results.records.layout import SweepLayout
from results.records.manifest import create_sweep, new_manifest
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState, epochs_schema

SEEDS = 20
RANK = (
    "select config_id, avg(score) as mean, count(*) as seeds from '{runs}' where state = 'finished' "
    "group by 1 order by 2 desc limit 20"
)
BEST = (
    "with best as (select config_id, seed, max(valid_accuracy) as score from '{epochs}' group by all) "
    "select config_id, avg(score) as mean, count(*) as seeds from best group by 1 order by 2 desc limit 20"
)
CURVE = (
    "select epoch, valid_accuracy from '{epochs}' where config_id = '{config}' and seed = 3 order by epoch"
)

DUCKDB = "import duckdb; duckdb.sql('set enable_progress_bar = false')"

QUESTIONS: dict[str, tuple[str, str]] = {
    "leaderboard from runs, DuckDB": (DUCKDB, 'duckdb.sql(f"""' + RANK + '""").fetchall()'),
    "leaderboard from runs, polars": (
        "import polars as pl",
        "pl.scan_parquet(runs).filter(pl.col('state') == 'finished').group_by('config_id')"
        ".agg(pl.col('score').mean(), pl.len()).sort('score', descending=True).head(20).collect()",
    ),
    "leaderboard from runs, pandas": (
        "import pandas as pd",
        "pd.read_parquet(runs, columns=['config_id', 'state', 'score']).query(\"state == 'finished'\")"
        ".groupby('config_id').score.agg(['mean', 'count']).nlargest(20, 'mean')",
    ),
    "leaderboard, open_sweep(...)": (
        "from results.records.dataset import open_sweep; from results.ranking.leaderboard import leaderboard",
        "leaderboard((sweep := open_sweep(root)).runs, sweep.manifest).ranked[:20]",
    ),
    "leaderboard from all epochs, DuckDB": (DUCKDB, 'duckdb.sql(f"""' + BEST + '""").fetchall()'),
    "leaderboard from all epochs, polars": (
        "import polars as pl",
        "pl.scan_parquet(epochs).group_by('config_id', 'seed').agg(pl.col('valid_accuracy').max())"
        ".group_by('config_id').agg(pl.col('valid_accuracy').mean()).sort('valid_accuracy', descending=True)"
        ".head(20).collect()",
    ),
    "one run's curve, DuckDB": (DUCKDB, 'duckdb.sql(f"""' + CURVE + '""").fetchall()'),
    "all epochs, open_sweep(...).epochs": (
        "from results.records.dataset import open_sweep",
        "open_sweep(root).epochs[:20]",
    ),
    "one run's curve, open_sweep(...).curve": (
        "from results.records.dataset import open_sweep; sweep = open_sweep(root)",
        "sweep.curve(config, 3)",
    ),
}
OF_FILES = {"leaderboard from one file a run, DuckDB": (DUCKDB, 'duckdb.sql(f"""' + BEST + '""").fetchall()')}

ASK = """
import re, statistics, sys, time
from pathlib import Path
root, runs, epochs, config = sys.argv[1:5]
def memory(key): return int(re.search(key + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
{setup}
before, times = memory("VmRSS"), []
for _ in range({times}):
    start = time.perf_counter()
    found = {question}
    times.append(time.perf_counter() - start)
assert len(found) in (20, {epochs}), len(found)
print(statistics.median(times), max(memory("VmHWM") - before, 0.0))
"""


def main() -> None:
    """Build, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--files", type=int, default=100_000, help="of one run each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        layout = begin(Path(folder))
        build(layout, given.runs, given.epochs)
        for name, (setup, question) in QUESTIONS.items():
            ask(name, layout, setup, question, given.epochs)
        if given.files:
            parts = write_files(layout, given.files, given.epochs)
            for name, (setup, question) in OF_FILES.items():
                ask(name, layout, setup, question, given.epochs, epochs=f"{parts}/*.parquet", times=1)


def begin(folder: Path) -> SweepLayout:
    """A sweep without any run."""
    layout = SweepLayout(folder / "scale")
    manifest = new_manifest(
        name="scale",
        objectives=Objectives.of_metric("accuracy", "max"),
        metrics=("accuracy", "weighted_f1", "exact_match"),
        parameters={"model.fusion": "string", "loss.alpha": "float", "loss.beta": "float"},
        search_seeds=range(SEEDS),
        confirm_seeds=(),
        dataset="made",
        dataset_fingerprint="0" * 64,
    )
    create_sweep(layout, manifest, "name: scale\\n")
    return layout


def build(layout: SweepLayout, runs: int, epochs: int) -> None:
    """Compact made-up runs, and say what it took."""
    compaction.each_run = lambda *_, **__: histories(runs, epochs)  # type: ignore[assignment]
    started, before = time.perf_counter(), peak()
    rows = compaction.compact(layout)
    seconds = time.perf_counter() - started
    print(f"{runs} runs x {epochs} epochs compacted in {seconds:.0f} s, {peak() - before:.0f} MB at most")
    for name in ("epochs", "runs"):
        path = compaction.table_file(layout, name)
        print(f"{name}: {rows[name]} rows, {path.stat().st_size / 1e6:.0f} MB")


def histories(runs: int, epochs: int) -> Iterator[RunHistory]:
    """Runs in the order of their keys, with noise for scores."""
    rng = np.random.default_rng(0)
    for number in range(runs // SEEDS):
        settings = {"model.fusion": ("sum", "hm", "mask")[number % 3], "loss.alpha": 0.1, "loss.beta": 1.0}
        for seed in range(SEEDS):
            yield history(RunKey(f"{number:016x}", seed), number, settings, rng.random((epochs, 9)))


def history(key: RunKey, number: int, settings: dict[str, Any], noise: np.ndarray) -> RunHistory:
    """A run whose epochs are the rows of `noise`."""
    names = (
        "train_loss",
        "train_task_loss",
        "train_kl_loss",
        "valid_loss",
        "valid_task_loss",
        "valid_kl_loss",
    )
    names = (*names, "valid_accuracy", "valid_weighted_f1", "valid_exact_match")
    rows = [
        {
            "epoch": epoch,
            "attempt": 1,
            "is_best": True,
            "seconds": 1.0,
            "learning_rate": 1e-3,
            "time": "2026-01-01T00:00:00+00:00",
            **dict(zip(names, row, strict=True)),
        }
        for epoch, row in enumerate(noise.tolist(), start=1)
    ]
    best = float(noise[:, 6].max())
    return RunHistory(
        key=key,
        attempts=1,
        state=RunState.FINISHED,
        reason="",
        epochs=tuple(rows),
        best_epoch=1 + int(noise[:, 6].argmax()),
        score=best,
        curve={},
        config={"model": {"fusion": settings["model.fusion"]}, "padding": "x" * 1000},
        values=settings,
        phase="search",
        role="candidate",
        number=number,
        parameters=1_000_000,
        started="2026-01-01T00:00:00+00:00",
        seconds=float(len(rows)),
        host="node",
        device="cpu",
        notes="",
    )


def write_files(layout: SweepLayout, files: int, epochs: int) -> Path:
    """The epochs of so many runs, a file each, as trials would leave them."""
    folder = layout.root / "parts"
    folder.mkdir()
    whole = pq.ParquetFile(compaction.table_file(layout, "epochs"))
    schema = epochs_schema({f"valid_{n}": pa.float64() for n in ("accuracy", "weighted_f1", "exact_match")})
    started, written = time.perf_counter(), 0
    for batch in whole.iter_batches(batch_size=epochs):
        if written == files:
            break
        table = pa.Table.from_batches([batch]).cast(schema)
        pq.write_table(table, folder / f"{written}.parquet", compression="zstd")
        written += 1
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(
        f"one file a run: {written} files, {size / 1e6:.0f} MB, {time.perf_counter() - started:.0f} s to write"
    )
    return folder


def ask(
    name: str,
    layout: SweepLayout,
    setup: str,
    question: str,
    of_epochs: int,
    *,
    epochs: str = "",
    times: int = 5,
) -> None:
    """Ask a question in a process of its own, and print what it took."""
    code = ASK.format(setup=setup, question=question, times=times, epochs=of_epochs)
    runs_file, epochs_file = (str(compaction.table_file(layout, table)) for table in ("runs", "epochs"))
    arguments = [str(layout.root), runs_file, epochs or epochs_file, f"{7:016x}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    seconds, memory = map(float, done.stdout.split())
    print(f"{name}: {1000 * seconds:.1f} ms, {memory:.0f} MB")


def peak() -> float:
    """The most memory that this process has had, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
