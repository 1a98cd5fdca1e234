"""Loads an ALBERT from a local folder, checked and in float32."""

from __future__ import annotations

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

from causalmer_core.models.albert_files import no_albert


def albert_config(path: str) -> AlbertConfig:
    """The configuration of the ALBERT in a folder.

    Raises:
        UserError: the folder holds no readable configuration of an ALBERT.
    """
    try:
        values = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise no_albert(path, f"no readable config.json ({error})") from error
    given = values.get("model_type") if isinstance(values, dict) else None
    if given != "albert":
        raise no_albert(path, f"a model of type {given!r}, not 'albert'")
    return AlbertConfig.from_dict(values)


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
        raise no_albert(path, f"no readable weights ({error})") from error
    model: AlbertModel
    model, report = loaded
    if report["missing_keys"]:
        raise no_albert(path, f"weights without {', '.join(sorted(report['missing_keys']))}")
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the messages and progress bars of transformers."""
    # It reports the missing pooler, which our branch does not use.
    verbosity, progress = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(ERROR)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if progress:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
