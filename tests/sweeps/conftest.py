"""What most tests of runs begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from canaries import ray_folder
from tiny_sweep import begin, checked_sweep

from sweeps.setup.preflight import CheckedSweep


@pytest.fixture
def sweep(tmp_path: Path) -> CheckedSweep:
    """The tiny sweep, begun and with no run in it."""
    checked = checked_sweep(tmp_path)
    begin(checked)
    return checked


@pytest.fixture(scope="module")
def ray_files() -> Iterator[Path]:
    """A folder for Ray's files, which a sweep gets as RAY_TMPDIR."""
    with ray_folder() as folder:
        yield folder
