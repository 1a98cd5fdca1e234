"""A file of the size of CMU-MOSEI's, and others a third as large, are imported in memory that does not grow with them.

The files are sparse: what is on disk of them are opcodes and a few samples. The peak is that of the whole command in a
process of its own (VmHWM of Linux, which, unlike `ru_maxrss`, a new program does not inherit).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sparse_pickle import Hole, write_sparse_pickle

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.datasets.store import open_training_data

SIZES = {"train": 16326, "valid": 1871, "test": 4659}
THIRD = {name: count // 3 for name, count in SIZES.items()}
WIDTHS = {"text": 300, "audio": 74, "vision": 35}
ALIGNED = {"text": 50, "audio": 50, "vision": 50}
UNALIGNED = {"text": 50, "audio": 500, "vision": 500}
MIB = 2**20
WRITTEN_SAMPLES = 7

PROGRAM = """
import re, sys
from pathlib import Path
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
bare = peak()
from sweeps.cli.main import app
from sweeps.cli.commands import load
load("data")
loaded = peak()
app(sys.argv[1:], standalone_mode=False)
print("\\npeak", peak() - bare, peak() - loaded)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that does not outlive the test: what is imported is large."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the peak is read from /proc, which Linux has")
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def sparse_file(
    path: Path, sizes: dict[str, int], steps: dict[str, int], dtype: str, order: str
) -> dict[str, np.ndarray]:
    """A file of MOSEI's shapes, and by modality the first training samples, which are all that is not 0 there."""
    rng = np.random.default_rng(0)
    first = {
        key: rng.normal(size=(WRITTEN_SAMPLES, steps[key], width)).astype(np.float32)
        for key, width in WIDTHS.items()
    }
    data = {}
    for name, n in sizes.items():
        data[name] = {
            key: Hole(
                (n, steps[key], width), dtype, order=order, first=first[key] if name == "train" else None
            )
            for key, width in WIDTHS.items()
        } | {
            "labels": rng.uniform(-3, 3, (n, 1, 1)).astype(np.float32),
            "id": np.array([[f"video{i // 7}", str(i % 7)] for i in range(n)]),
        }
    write_sparse_pickle(path, data)
    return first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "steps", "dtype", "order"),
    [(SIZES, ALIGNED, "<f4", "C"), (THIRD, ALIGNED, ">f8", "F"), (THIRD, UNALIGNED, "<f4", "C")],
    ids=["aligned", "aligned doubles in Fortran's order", "unaligned"],
)
def test_the_peak_stays_under_one_and_a_half_training_splits(
    folder: Path, sizes: dict[str, int], steps: dict[str, int], dtype: str, order: str
) -> None:
    split = sizes["train"] * sum(steps[key] * width * 4 for key, width in WIDTHS.items())
    if shutil.disk_usage(folder).free < 3 * split:
        pytest.skip(f"{3 * split // MIB} MiB of disk are needed for what is imported")
    first = sparse_file(folder / "mosei.pkl", sizes, steps, dtype, order)
    command = [
        "data",
        "import",
        str(folder / "mosei.pkl"),
        "--name",
        "mosei",
        "--root",
        str(folder / "store"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"^peak (\d+) (\d+)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    assert int(found[1]) < 1.5 * split, "bytes above the bare interpreter"
    assert int(found[2]) < 400 * MIB, "bytes above the imported program, whatever the size of the file"
    data = open_training_data(folder / "store", "mosei")
    for modality in MODALITIES:
        values = data.train.features[modality]
        assert values.shape == (sizes["train"], steps[modality.value], WIDTHS[modality.value])
        np.testing.assert_array_equal(values[:WRITTEN_SAMPLES], first[modality.value])
        assert not values[WRITTEN_SAMPLES : WRITTEN_SAMPLES + 100].any()
    assert data.train.ids[8] == "video1/1"
    assert data.statistics[Modality.TEXT].std == pytest.approx(1, abs=0.2)
