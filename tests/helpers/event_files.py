"""TensorBoard's event files, read without TensorBoard."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """The values in all event files of a folder, by name and by step."""
    found: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for event in _events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found[value.tag][event.step] = value.simple_value
    return dict(found)


def parameters(folder: Path) -> set[str]:
    """The names of the parameters in a folder's summaries of parameters."""
    names = set()
    for event in _events(folder):
        for value in event.summary.value:
            if value.tag == "_hparams_/session_start_info":
                names |= set(_text(value.metadata.plugin_data.content))
    return names


def _text(content: bytes) -> set[str]:
    """The pieces of printable text in a message."""
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

    return set(HParamsPluginData.FromString(content).session_start_info.hparams)


def _events(folder: Path) -> Iterator[Event]:
    """The records of a TFRecord file: length, its checksum, message, its checksum."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            yield Event.FromString(data[place + 12 : place + 12 + length])
            place += 12 + length + 4
