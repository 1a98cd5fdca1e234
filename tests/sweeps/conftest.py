"""What most tests of runs begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_sweep import begin, checked_sweep

from sweeps.setup.preflight import CheckedSweep


@pytest.fixture
def sweep(tmp_path: Path) -> CheckedSweep:
    """The tiny sweep, begun and with no run in it."""
    checked = checked_sweep(tmp_path)
    begin(checked)
    return checked
