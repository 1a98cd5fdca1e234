"""Whole sweeps whose storage is a bucket, on a real server that speaks S3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from driven_sweep import Sweep, assert_equal_records
from object_server import CREDENTIALS, ObjectServer, object_server
from tiny_sweep import YAML

from results.storage import SCRATCH_VARIABLE, layout_at

pytestmark = pytest.mark.slow
QUICK = YAML.replace("num_configs: 5", "num_configs: 3").replace("max_epochs: 3", "max_epochs: 2")


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with object_server() as server:
            yield server


class SweepOnStore(Sweep):
    """The tiny sweep with its storage in the bucket, and working copies in a folder that a test may remove."""

    def __init__(self, folder: Path, server: ObjectServer, text: str, patch: pytest.MonkeyPatch) -> None:
        storage = server.uri(folder.name)
        super().__init__(folder, text.replace("base:\n", f"storage: '{storage}'\nbase:\n", 1))
        self.scratch = folder / "scratch"
        self.place = server.uri(f"{folder.name}/tiny")
        patch.setenv(SCRATCH_VARIABLE, str(self.scratch))

    def forget(self) -> None:
        """What a fresh machine has."""
        shutil.rmtree(self.scratch)


def rows_in(server: ObjectServer, key: str) -> int:
    """The rows in the bucket's journals of runs."""
    names = [name for name in server.names(key) if name.startswith("journals/runs/")]
    return sum(server.read(f"{key}/{name}").count(b"\n") for name in names)


def test_a_killed_sweep_goes_on_from_the_bucket_alone(
    tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("undisturbed", "disturbed"):
        (tmp_path / name).mkdir()
    undisturbed = Sweep(tmp_path / "undisturbed", QUICK)
    undisturbed.done()

    sweep = SweepOnStore(tmp_path / "disturbed", server, QUICK, monkeypatch)
    process = sweep.start()
    sweep.wait_for(lambda: rows_in(server, "disturbed/tiny") >= 5, process)
    process.kill()
    process.communicate()
    sweep.forget()
    assert "taken over" in sweep.done("resume")
    sweep.forget()
    sweep.layout = layout_at(sweep.place)

    assert_equal_records(sweep, undisturbed)
