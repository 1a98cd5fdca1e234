"""What a node says of itself and of a folder. It is sent to nodes as text, for causalmer may be missing there: it knows
nothing but Python's own library.
"""

from __future__ import annotations

import fcntl
import os
import platform
import runpy
import shutil
import socket
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("causalmer", "torch", "ray", "optuna", "pyarrow")
LOCK = "lock"
_NVIDIA_SMI = ("--query-gpu=name,driver_version", "--format=csv,noheader")


class Inspector:
    """Lives on a node while it is looked at."""

    def facts(self) -> dict[str, object]:
        """Name, memory in bytes, Python, packages' versions (none: not installed), CUDA, GPUs and their driver."""
        gpus = _gpus()
        return {
            "host": socket.gethostname(),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "python": platform.python_version(),
            "versions": {name: _version(name) for name in PACKAGES},
            "cuda": _cuda(),
            "gpu_models": [name for name, _ in gpus],
            "driver": gpus[0][1] if gpus else None,
        }

    def clock(self) -> float:
        """The node's time, in seconds since 1970."""
        return time.time()

    def writes(self, folder: str, name: str, text: str) -> str | None:
        """Write a file into a folder that is there; what went wrong."""
        try:
            with (Path(folder) / name).open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            return error.strerror or str(error)
        return None

    def reads(self, folder: str, texts: dict[str, str]) -> dict[str, str]:
        """What went wrong with reading files, by their names; those that say what they should are left out."""
        wrong = {}
        for name, text in texts.items():
            try:
                if (Path(folder) / name).read_text(encoding="utf-8") != text:
                    wrong[name] = "another text"
            except OSError as error:
                wrong[name] = error.strerror or str(error)
        return wrong

    def is_locked(self, folder: str) -> bool | None:
        """Whether the lock in a folder, which someone holds, is held against this node; none: it cannot be tried."""
        try:
            with (Path(folder) / LOCK).open("r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        return False

    def lacks(self, paths: list[str]) -> list[str]:
        """Which of the paths are not there, or not to be read."""
        return [path for path in paths if not os.access(path, os.R_OK)]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cuda() -> str | None:
    """The CUDA that torch was built for, without the seconds that importing torch takes."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    found = runpy.run_path(str(Path(spec.origin).with_name("version.py"))).get("cuda")
    return None if found is None else str(found)


def _gpus() -> list[tuple[str, str]]:
    """Names of the GPUs and their driver, as NVIDIA's own program says."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, *_NVIDIA_SMI]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    rows = [line.rpartition(",") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return [(name.strip(), driver.strip()) for name, _, driver in rows]
