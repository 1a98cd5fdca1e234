"""Credentials planted in a sweep's environment, and a search for them in all that the sweep and Ray left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pandas as pd

_NAMES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"),
    *("AZURE_CLIENT_SECRET", "AZURE_STORAGE_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
    *("HF_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "WANDB_API_KEY", "SOME_PASSWORD"),
)
_PROXY = f"canary{sha256(b'proxy').hexdigest()[:40]}"

CANARIES = {name: f"canary{sha256(name.encode()).hexdigest()[:40]}" for name in _NAMES}
"""Secret values by variable."""

PROXIES = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), f"http://user:{_PROXY}@127.0.0.1:9"
)
"""Proxies that need a password, and that nobody answers for."""

SECRETS = (*CANARIES.values(), _PROXY)
"""All that is to be found nowhere."""


@contextmanager
def ray_folder() -> Iterator[Path]:
    """A folder for Ray's files (RAY_TMPDIR), removed after the block. Its name is short, because sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def leaks(*folders: Path, secrets: Iterable[str] = SECRETS) -> list[str]:
    """Every file below the folders that holds a secret, as bytes or as a value of a table, with how often it does."""
    wanted = [secret.encode() for secret in secrets]
    found = []
    for folder in folders:
        for path in filter(Path.is_file, folder.rglob("*")):
            content = path.read_bytes()
            if path.suffix == ".parquet":  # compressed
                content += pd.read_parquet(path).to_csv().encode()
            if times := sum(content.count(secret) for secret in wanted):
                found.append(f"{path}: {times}")
    return found
