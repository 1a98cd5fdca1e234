"""The public package: its names come when they are asked for, and nobody else's packages are taken for ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import handmade
import pytest

import causalmer
from causalmer_core.basics.packages import PACKAGES, hidden_package

ROOT = Path(__file__).parents[2]


def run(code: list[str], folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Python in a folder, with other folders and then ours on its path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT]))}
    return subprocess.run(
        [sys.executable, *code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_sweep_is_opened_from_the_public_package(tmp_path: Path) -> None:
    layout = handmade.whole_sweep(tmp_path)
    assert len(causalmer.open_sweep(layout.root).runs) == 24


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"no attribute .open_sweeps.; it has .*open_sweep"):
        _ = causalmer.open_sweeps


def test_importing_the_public_package_imports_nothing_that_takes_time(tmp_path: Path) -> None:
    heavy = {"pandas", "pyarrow", "torch", "ray", "optuna"}
    done = run(["-c", f"import causalmer, sys; print({heavy!r} & set(sys.modules))"], tmp_path)
    assert done.stdout.strip() == "set()"


def test_a_folder_named_as_a_package_of_ours_hides_nothing(tmp_path: Path) -> None:
    """Every user has a folder `results`: a folder without `__init__.py` must not be taken for the package."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
    done = run(["-c", "from causalmer import open_sweep; print(open_sweep.__name__)"], tmp_path)
    assert done.stdout.strip() == "open_sweep", done.stderr


@pytest.mark.parametrize("name", ["sweeps", "cluster", "results"])
def test_another_distribution_in_the_way_is_named_at_start(name: str, tmp_path: Path) -> None:
    other = tmp_path / "other" / name
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    command = run(["-m", "causalmer", "--help"], tmp_path, other.parent)
    imported = run(["-c", "from causalmer import open_sweep"], tmp_path, other.parent)
    assert command.returncode == 1
    assert "Traceback" not in command.stderr
    for told in (command.stderr, imported.stderr):
        assert f"causalmer needs its own package {name!r}; given {other}; allowed {ROOT / name}" in told


def test_our_packages_may_lie_in_a_folder_each(tmp_path: Path) -> None:
    """Ray unpacks the packages of a job so."""
    folders = [tmp_path / str(place) for place, _ in enumerate(PACKAGES)]
    for folder, name in zip(folders, PACKAGES, strict=True):
        folder.mkdir()
        (folder / name).symlink_to(ROOT / name)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "causalmer", "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_our_own_packages_are_known_as_ours() -> None:
    assert hidden_package() is None
