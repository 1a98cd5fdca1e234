"""Whole sweeps whose storage is a bucket, on a real server that speaks S3."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from canaries import leaks
from driven_sweep import PATIENCE, Sweep, assert_equal_records
from object_server import BUCKET, ObjectServer
from tiny_sweep import YAML

from results.records.dataset import open_sweep
from results.records.locate import SCRATCH_VARIABLE, layout_at

pytestmark = pytest.mark.slow
QUICK = (
    YAML.replace("num_configs: 5, startup: 2", "num_configs: 3, startup: 2")
    .replace("seeds: {confirm: 2, evaluate: 2, top_k: 2}", "seeds: {confirm: 1, evaluate: 1, top_k: 1}")
    .replace("debiasing: {trials: 64}", "debiasing: {methods: []}")
)


class SweepOnStore(Sweep):
    """The tiny sweep with its storage in the bucket, and working copies in a folder that a test may remove."""

    def __init__(self, folder: Path, server: ObjectServer, text: str, patch: pytest.MonkeyPatch) -> None:
        storage = server.uri(folder.name)
        super().__init__(folder, text.replace("base:\n", f"storage: '{storage}'\nbase:\n", 1))
        self.scratch = folder / "scratch"
        self.place = server.uri(f"{folder.name}/tiny")
        patch.setenv(SCRATCH_VARIABLE, str(self.scratch))

    def forget(self) -> None:
        """What a fresh machine has, once what a killed driver left behind writes there no more."""
        end = time.monotonic() + PATIENCE
        while self.scratch.exists():
            try:
                shutil.rmtree(self.scratch)
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.5)


def rows_in(server: ObjectServer, key: str) -> int:
    """The rows in the bucket's journals of runs."""
    names = [name for name in server.names(key) if name.startswith("journals/runs/")]
    return sum(server.read(f"{key}/{name}").count(b"\n") for name in names)


def test_a_killed_sweep_goes_on_from_the_bucket_alone(
    tmp_path: Path, server: ObjectServer, ray_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / name for name in ("disturbed", "undisturbed")]
    for folder in folders:
        folder.mkdir()
    sweep = SweepOnStore(folders[0], server, QUICK, monkeypatch)
    sweep.environment["RAY_TMPDIR"] = str(ray_files)
    process = sweep.start("run", "--cpus", "1")
    sweep.wait_for(lambda: rows_in(server, "disturbed/tiny") >= 6, process)
    process.kill()
    process.communicate()
    sweep.forget()
    assert "is taken over: that process is gone" in sweep.done("resume", "--cpus", "1")
    sweep.forget()
    assert "no process runs it" in sweep.done("status")

    sweep.layout = layout_at(sweep.place)
    undisturbed = Sweep(folders[1], QUICK)
    undisturbed.done("run", "--cpus", "1")
    assert_equal_records(sweep, undisturbed)
    names = server.names("disturbed/tiny")
    assert {"report.html", "selection.json", "sweep.yaml", "sweep.log", "runs/runs.parquet"} <= set(names)
    assert not [name for name in names if "last" in name or "lock" in name or "tmp" in name]
    assert not any(b"canary-" in server.read(f"disturbed/tiny/{name}") for name in names)
    assert [*ray_files.rglob("runtime_env_agent.log")], "Ray's logs were not looked at"
    assert leaks(tmp_path, ray_files, secrets=["canary-"]) == []

    results = open_sweep(sweep.place)
    runs = f"{BUCKET}/disturbed/tiny/runs"
    pd.testing.assert_frame_equal(pq.read_table(runs, filesystem=server.files).to_pandas(), results.runs)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    pd.testing.assert_frame_equal(pd.read_parquet(f"s3://{runs}"), results.runs)
