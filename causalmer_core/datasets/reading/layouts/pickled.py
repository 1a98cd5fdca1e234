"""Pickles of splits, and the layout of MulT's files.

A pickle of splits is a dict of `train`, `valid` (or `dev`, `val`) and `test`, each a dict of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.reading.layouts.base import (
    IDS,
    PLAIN_KEYS,
    SPLIT_NAMES,
    SPLITS,
    Contents,
    Layout,
    listed,
    same_or,
)
from causalmer_core.datasets.reading.layouts.unpickle import load_plain


def open_pickle(path: Path) -> Contents:
    """The splits of a pickle; nothing in it is run, and large arrays stay in the file.

    Raises:
        UserError: the file is no pickle of plain data, or has no such splits.
    """
    data = load_plain(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: found {type(data).__name__}; allowed: a dict of {', '.join(SPLITS)}")
    splits: dict[str, Mapping[str, object]] = {}
    used = set()
    for name in SPLITS:
        key = next((k for k in SPLIT_NAMES[name] if k in data), None)
        if key is None:
            raise UserError(
                f"{path}: split {name!r} is missing; found: {listed(data)}; needed: {', '.join(SPLITS)}, each a dict "
                "of arrays"
            )
        if not isinstance(data[key], dict):
            raise UserError(f"{path}: {key}: found {type(data[key]).__name__}; allowed: a dict of arrays")
        splits[name] = {str(k): value for k, value in data[key].items()}
        used.add(key)
    return Contents(path, splits, tuple(str(key) for key in data if key not in used))


MULT = Layout(
    name="mult",
    needs="a pickle of train, valid, test, each with text, audio, vision, labels; perhaps id, text_lengths, ...",
    open=open_pickle,
    keys=lambda found, _: same_or(found, {**PLAIN_KEYS, IDS: ("id", "ids")}),
    marked=lambda found: "labels" in found,
)
"""The layout of MulT's processed files (IEMOCAP, CMU-MOSI, CMU-MOSEI), which many later papers share.

A pickled dict of `train`, `valid` (or `dev`) and `test`. Each is a dict of `text`, `audio`, `vision`
`(samples, time, width)`, `labels`, and mostly `id`. Source: Tsai et al., ACL 2019;
https://github.com/yaohungt/Multimodal-Transformer.
"""
