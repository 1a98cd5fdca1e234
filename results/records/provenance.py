"""Provenance: the versions, the commit and the environment variables that numbers may depend on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

RECORDED_PACKAGES = (
    "causalmer",
    "numpy",
    "optuna",
    "pandas",
    "plotly",
    "pyarrow",
    "ray",
    "scikit-learn",
    "scipy",
    "torch",
    "transformers",
)
RECORDED_VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""The recorded environment variables. Others are never recorded, because they may hold secrets."""


@cache
def run_software() -> dict[str, Any]:
    """The software that trains a run, by column of the runs table."""
    commit, dirty = git_state()
    versions = installed_versions()
    return {
        **{name: versions.get(name) for name in ("causalmer", "python", "torch")},
        "git_commit": commit,
        "git_dirty": dirty,
    }


def recorded_environment() -> dict[str, str]:
    """The values of the `RECORDED_VARIABLES` that are set."""
    return {name: os.environ[name] for name in RECORDED_VARIABLES if name in os.environ}


def installed_versions() -> dict[str, str]:
    """The versions of Python and of the `RECORDED_PACKAGES` that are installed."""
    versions = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def git_state(file: Path = Path(__file__)) -> tuple[str | None, bool | None]:
    """The commit of the checkout that tracks `file`, and whether the checkout has uncommitted changes.

    `(None, None)` if git does not track the file. An installed package in the folder of another project thus never
    reports this project's commit.
    """
    git = shutil.which("git")
    if git is None:
        return None, None
    # Inside a hook git sets variables that would point it at another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def ask(*arguments: str) -> str | None:
        answer = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            [git, "-C", str(file.parent), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        return answer.stdout.strip() if answer.returncode == 0 else None

    if ask("ls-files", "--error-unmatch", file.name) is None:
        return None, None
    changes = ask("status", "--porcelain", "--untracked-files=no")
    return ask("rev-parse", "HEAD"), None if changes is None else bool(changes)
