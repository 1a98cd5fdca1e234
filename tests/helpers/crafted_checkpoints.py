"""Files as `torch.save` writes them, and files as it never would, built by hand."""

from __future__ import annotations

import argparse
import io
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from causalmer_core.published_checkpoint.reader import PublishedFile, read_published

STORED = zipfile.ZIP_STORED


def small_module() -> nn.Module:
    """Shared weights, buffers, a view of a storage, values of every kind as plain attributes."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Module(), nn.Linear(3, 2, bias=False))
    module[3].weight = module[0].weight
    module[2].register_buffer("view", torch.arange(12.0).reshape(3, 4)[1:, ::2].t())
    module[2].register_buffer("passing", torch.ones(2), persistent=False)
    module[2].register_buffer("flags", torch.tensor([True, False]))
    module[2].register_buffer("empty", torch.empty(0, 4))
    module.half_precision = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    module.activation = nn.functional.relu
    module.kind = nn.BatchNorm2d
    module.options = argparse.Namespace(lr=1e-3, names=["a"], score=np.float64(2), size=torch.Size([1, 2]))
    module.device, module.dtype = torch.device("cpu"), torch.float32
    return module


def saved(content: Any) -> bytes:
    """What `torch.save` writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def read(tmp_path: Path, data: bytes) -> PublishedFile:
    """What the reader makes of a file of these bytes."""
    path = tmp_path / "model.pt"
    path.write_bytes(data)
    return read_published(path)


def archive(
    pickled: bytes,
    records: dict[str, bytes] | None = None,
    *,
    root: str = "archive",
    compression: int = STORED,
) -> bytes:
    """A file as `torch.save` writes it, around any pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr(f"{root}/data.pkl", pickled)
        for name, content in {"byteorder": sys.byteorder.encode(), **(records or {})}.items():
            file.writestr(f"{root}/{name}", content)
    return buffer.getvalue()


TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
EIGHT = {"data/0": np.arange(8, dtype=np.float32).tobytes()}


def storage(kind: str = "FloatStorage", key: Any = "0", numel: Any = 8) -> bytes:
    """The instructions that fetch a storage."""
    plain = [pickle.dumps(x, 2)[2:-1] for x in (key, "cpu", numel)]
    return b"(X\x07\x00\x00\x00storagectorch\n" + kind.encode() + b"\n" + b"".join(plain) + b"tQ"


def tensor(held: bytes, offset: Any, size: Any, stride: Any) -> bytes:
    """A pickled state dict of one tensor."""
    numbers = b"".join(pickle.dumps(x, 2)[2:-1] for x in (offset, size, stride))
    return b"\x80\x02}X\x01\x00\x00\x00w" + TENSOR + b"(" + held + numbers + b"\x89}tRs."


def shell(name: str = "torch.nn.modules.linear\nLinear") -> bytes:
    """The instructions that make an object of a class."""
    return b"c" + name.encode() + b"\n)\x81"


def modules_of(child: bytes) -> bytes:
    """The instructions that make a module with one child."""
    return shell() + b"}X\x08\x00\x00\x00_modules}X\x01\x00\x00\x00a" + child + b"ssb"


def module_in_itself(width: int = 1) -> bytes:
    """A pickled module that is its own child under several names."""
    names = b"".join(b"J" + struct.pack("<i", i) + b"h\x00" for i in range(width))
    return b"\x80\x02" + shell() + b"q\x00}X\x08\x00\x00\x00_modules}(" + names + b"usb."


CRAFTED = {
    "a view past its storage": tensor(storage(), 0, (9,), (1,)),
    "an offset past its storage": tensor(storage(), 8, (1,), (1,)),
    "a negative offset": tensor(storage(), -1, (1,), (1,)),
    "strides past its storage": tensor(storage(), 0, (2, 2), (7, 2)),
    "a negative stride": tensor(storage(), 7, (2,), (-1,)),
    "a size that overflows": tensor(storage(), 0, (2**32, 2**32), (0, 0)),
    "one value shown a trillion times": tensor(storage(), 0, (10**12,), (0,)),
    "an enormous empty size": tensor(storage(), 0, (0, 2**61, 2**61), (1, 1, 1)),
    "sizes without strides": tensor(storage(), 0, (2, 2), (1,)),
    "a size that is a list": tensor(storage(), 0, [8], (1,)),
    "a size of flags": tensor(storage(), 0, (True,), (1,)),
    "too many dimensions": tensor(storage(), 0, (1,) * 17, (1,) * 17),
    "a storage of another size": tensor(storage(numel=9), 0, (1,), (1,)),
    "a storage of another type": tensor(storage(kind="DoubleStorage"), 0, (1,), (1,)),
    "a storage of a negative size": tensor(storage(numel=-8), 0, (1,), (1,)),
    "a storage of an enormous size": tensor(storage(numel=2**62), 0, (1,), (1,)),
    "a storage that is not there": tensor(storage(key="1"), 0, (1,), (1,)),
    "a storage elsewhere": tensor(storage(key="../../etc/passwd"), 0, (1,), (1,)),
    "the pickle as a storage": tensor(storage(key="../data.pkl"), 0, (1,), (1,)),
    "a key that is a number": tensor(storage(key=0), 0, (1,), (1,)),
    "a storage in two types": tensor(storage(), 0, (8,), (1,))[:-1]
    + b"X\x01\x00\x00\x00v" + TENSOR + b"(" + storage(kind="IntStorage") + b"K\x00K\x08\x85K\x01\x85\x89}tRs.",
    "another persistent id": b"\x80\x02K\x01Q.",
    "a persistent id as text": b"Pabc\n.",
    "a persistent id that is a module": b"\x80\x02X\x06\x00\x00\x00moduleK\x01\x86Q.",
    "a persistent id of long parts": b"\x80\x02(X\x07\x00\x00\x00storageX\x02\x00\x00\x00osNNNtQ.",
    "a tensor without a storage": tensor(b"N", 0, (1,), (1,)),
    "a tensor by another function": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n("
    b"c__builtin__\nset\nctorch\nTensor\n]\x85}tR.",
    "a parameter of something else": b"\x80\x02ctorch._utils\n_rebuild_parameter\n(K\x01\x89}tR.",
    "a number": b"\x80\x02K\x01.",
    "a state dict of numbers": b"\x80\x02}X\x01\x00\x00\x00aK\x01s.",
    "a state dict in a dict": b"\x80\x02}X\x01\x00\x00\x00a}s.",
    "an object with arguments": b"\x80\x02ctorch.nn.modules.linear\nLinear\nK\x01\x85\x81.",
    "an object of a function": b"\x80\x02ctorch.nn.functional\nrelu\n)\x81.",
    "an object of a storage type": b"\x80\x02ctorch\nFloatStorage\n)\x81.",
    "an object that is called": b"\x80\x02" + shell() + b")R.",
    "an object of an extension": b"\x80\x02\x82\x01.",
    "a state that is a number": b"\x80\x02" + shell() + b"K\x01b.",
    "slots": b"\x80\x02" + shell() + b"N}X\x01\x00\x00\x00aNs\x86b.",
    "parameters that are a list": b"\x80\x02" + shell() + b"}X\x0b\x00\x00\x00_parameters]sb.",
    "modules that are numbers": b"\x80\x02" + modules_of(b"K\x01") + b".",
    "a module in itself": module_in_itself(),
    "a module many times in itself": module_in_itself(10**5),
    "items for a module": b"\x80\x02" + shell() + b"K\x00K\x00s.",
    "modules deep in each other": b"\x80\x02" + b"".join([modules_of(b"")[:-3]] * 10**4) + b"N" + b"ssb" * 10**4 + b".",
    "an ordered dict of numbers": b"\x80\x02ccollections\nOrderedDict\n]K\x01a\x85R.",
    "a module as a key": b"\x80\x02}" + shell() + b"Ns.",
    "an old-style instance": b"(ios\nsystem\n.",
    "nothing": b"",
    "words": b"# A checkpoint\n",
}  # fmt: skip


def megabytes_for(files: list[bytes], folder: Path) -> int:
    """How much more memory a fresh interpreter takes after reading these files; each must be refused politely."""
    for index, data in enumerate(files):
        (folder / f"{index}.pt").write_bytes(data)
    program = (
        "import resource, sys, pathlib\n"
        "from causalmer_core.published_checkpoint.reader import read_published\n"
        "from causalmer_core.basics.errors import UserError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in pathlib.Path(sys.argv[1]).glob('*.pt'):\n"
        "    try: read_published(path)\n"
        "    except UserError: pass\n"
        "    else: raise SystemExit(f'{path} was read')\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
