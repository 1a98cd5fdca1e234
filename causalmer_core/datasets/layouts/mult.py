"""The layout of MulT's processed files (IEMOCAP, CMU-MOSI, CMU-MOSEI), which many later papers share.

A pickled dict of `train`, `valid` (or `dev`) and `test`, each a dict of `text`, `audio`, `vision` `(samples, time,
width)`, `labels`, and mostly `id`. Tsai et al., ACL 2019; https://github.com/yaohungt/Multimodal-Transformer.
"""

from __future__ import annotations

from causalmer_core.datasets.layouts.base import IDS, PLAIN_KEYS, Layout, same_or
from causalmer_core.datasets.layouts.pickled import open_pickle

MULT = Layout(
    name="mult",
    needs="a pickle of train, valid, test, each with text, audio, vision, labels; perhaps id, text_lengths, ...",
    open=open_pickle,
    keys=lambda found, _: same_or(found, {**PLAIN_KEYS, IDS: ("id", "ids")}),
    marked=lambda found: "labels" in found,
)
