"""A trained sweep for the tests of the final evaluation: trained once a module, copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from trained_sweep import Trained


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    Trained(folder).train()
    return folder


@pytest.fixture
def trained(template: Path, tmp_path: Path) -> Trained:
    """A fresh copy of the trained sweep."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Trained(tmp_path)
