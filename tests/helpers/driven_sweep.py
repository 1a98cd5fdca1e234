"""Sweeps through the real command line and a real Ray, and what is judged of them: the records."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import psutil
from tiny_sweep import YAML, write_sweep

from results.records.dataset import SweepResults, open_sweep
from results.records.layout import SweepLayout
from results.records.run_journal import run_journal_files
from results.storage.journal import read_journal

MAIN = [sys.executable, "-c", "from sweeps.cli.main import main; main()"]
NOT_COMPARED = ["sweep_id", "attempt", "seconds", "started", "time", "host"]
PATIENCE = 480.0


class Sweep:
    """The tiny sweep, in a folder of its own unless it is given another name."""

    def __init__(self, folder: Path, text: str = YAML, name: str = "tiny") -> None:
        self.folder = folder
        self.file = write_sweep(folder, text.replace("name: tiny\n", f"name: {name}\n", 1), name)
        self.layout = SweepLayout(folder / "causalmer_runs" / name)
        self.environment: dict[str, str] = {}

    def start(self, verb: str = "run", *arguments: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        environment = {**kept, **self.environment}
        return subprocess.Popen(
            [*MAIN, verb, self.file.name, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, verb: str = "run", *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(verb, *arguments)
        output, errors = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def done(self, verb: str = "run", *arguments: str) -> str:
        """Run to the end; what it printed."""
        finished = self.run(verb, *arguments)
        assert finished.returncode == 0, finished.stderr + finished.stdout
        return finished.stdout

    def rows(self) -> int:
        return sum(len(read_journal(path)) for path in run_journal_files(self.layout))

    def wait_for(self, condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        """Look again and again, while the process lives."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)

    @property
    def results(self) -> SweepResults:
        return open_sweep(self.layout)


def tables(sweep: Sweep, others: Iterable[str] = ()) -> dict[str, pd.DataFrame]:
    """All records, without what may differ between two sweeps and without other columns that are named."""
    results = sweep.results
    dropped = [*NOT_COMPARED, *others]
    return {
        name: getattr(results, name).drop(columns=dropped, errors="ignore")
        for name in ("epochs", "runs", "evaluations")
    }


def assert_equal_records(one: Sweep, other: Sweep, *, but_for: Iterable[str] = ()) -> None:
    """Equal but for times, attempts, hosts, and columns that are named."""
    left, right = tables(one, but_for), tables(other, but_for)
    for name, table in left.items():
        pd.testing.assert_frame_equal(table, right[name], check_exact=True)
    proposals = [
        [row["values"] for row in read_journal(s.layout.proposals) if row["kind"] == "proposal"]
        for s in (one, other)
    ]
    assert proposals[0] == proposals[1]


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All that a driver has started."""
    return psutil.Process(process.pid).children(recursive=True)


def trainers(sweep: Sweep, process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Of a driver's processes those that train, by the start lines of their journals."""
    journals = [read_journal(path) for path in run_journal_files(sweep.layout)]
    pids = {rows[0]["pid"] for rows in journals if rows}
    return [child for child in family(process) if child.pid in pids]


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive, [process.cmdline()[:3] for process in alive if process.is_running()]
