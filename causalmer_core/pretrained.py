"""ALBERT from a local folder: checked, quiet, and in float32 whatever precision it was saved in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AlbertConfig, AlbertModel
from transformers.utils import logging

from causalmer_core.errors import UserError

_ALLOWED = (
    "allowed: a local folder with config.json and model.safetensors, as save_pretrained writes it, or no path "
    "for fresh weights"
)


def albert_config(path: str) -> AlbertConfig:
    """The configuration of the ALBERT in a folder.

    Raises:
        UserError: the folder holds no readable configuration of an ALBERT.
    """
    try:
        values = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refused(path, f"no readable config.json ({error})") from error
    given = values.get("model_type") if isinstance(values, dict) else None
    if given != "albert":
        raise _refused(path, f"a model of type {given!r}, not 'albert'")
    return AlbertConfig.from_dict(values)


def weights_digest(path: str) -> str:
    """SHA-256, 64 hexadecimal digits, of the ALBERT in a folder: of its configuration and of its weights.

    Raises:
        UserError: a file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors"):
        try:
            with (Path(path) / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise _refused(path, f"no readable {name} ({error.strerror})") from error
    return digest.hexdigest()


def load_albert(path: str, config: AlbertConfig) -> AlbertModel:
    """The ALBERT in a folder, in float32, without its pooler.

    Raises:
        UserError: the weights are missing, damaged, incomplete, or of other shapes than the configuration's.
    """
    try:
        with _quiet():
            loaded: Any = AlbertModel.from_pretrained(
                path,
                config=config,
                add_pooling_layer=False,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise _refused(path, f"no readable weights ({error})") from error
    model: AlbertModel
    model, report = loaded
    if report["missing_keys"]:
        raise _refused(path, f"weights without {', '.join(sorted(report['missing_keys']))}")
    return model


def _refused(path: str, found: str) -> UserError:
    return UserError(f"model.text_branch.path: no ALBERT at {path!r}: {found}; {_ALLOWED}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Transformers reports the pooler left out and draws a progress bar: neither is news to a user of ours."""
    verbosity, progress = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(ERROR)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if progress:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
