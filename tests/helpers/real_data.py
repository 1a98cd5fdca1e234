"""The real data set beside this checkout, which is no part of it."""

from __future__ import annotations

from pathlib import Path

import pytest


def real_data_file() -> Path:
    """CMU-MOSI with context in MulT's layout; the test skips where it is absent."""
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "mosi_context_data.pkl"
    if not path.is_file():
        pytest.skip(f"the real data set is not beside this checkout ({path.name} in ../shared/data)")
    return path
