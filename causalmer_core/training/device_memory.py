"""The memory of the device that a process trains on: how much it has used at most, and how much it may use.

torch's allocator reserves memory of a CUDA device for tensors. Beside it the process holds the device's context (code
and workspaces, some hundred MiB), which torch neither counts nor caps, so a cap is the process's share less the
context. On a CPU the process's private memory stands for the device's, and nothing is capped.

A CUDA device is always torch's current one: a trial sees the GPUs that Ray gave it and no others, and trains on the
first of them.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from os import sysconf
from pathlib import Path

import torch

ASSUMED_CONTEXT_BYTES = 600 * 2**20
"""The context of a process whose context nobody has measured."""


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What a process uses of its device.

    Attributes:
        peak: bytes for tensors, the most so far, free pieces that the allocator keeps among them.
        context: bytes beside them. What other programs use of the device counts here, too: it cannot be told apart.
        total: bytes that the device has.
    """

    peak: int
    context: int
    total: int


def device_name(device: torch.device) -> str:
    """The device as records call it: `cpu`, or `cuda` with the model of the GPU."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return device.type
    return f"cuda ({torch.cuda.get_device_name()})"


def device_use(device: torch.device) -> DeviceUse:
    """What this process uses of its device, and has used at most since `forget_use`."""
    if device.type != "cuda":
        return DeviceUse(private_bytes(), 0, sysconf("SC_PAGE_SIZE") * sysconf("SC_PHYS_PAGES"))
    free, total = torch.cuda.mem_get_info()
    context = max(total - free - torch.cuda.memory_reserved(), 0)
    return DeviceUse(torch.cuda.max_memory_reserved(), context, total)


def forget_use(device: torch.device) -> None:
    """Give free pieces of memory back to the device, and count the peak from now on."""
    if device.type == "cuda":
        torch.cuda.init()  # without it the next but one complains
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def cap_bytes(share: float, total: int, context: int) -> int | None:
    """How much memory the tensors of a process may take on its device; none: as much as there is.

    Args:
        share: of the device, that the process has; 1 or more: all of it.
        total: of the device, in bytes.
        context: of the process, in bytes, beside the tensors.
    """
    return None if share >= 1 else max(int(share * total) - context, 0)


class DeviceShare:
    """The share of a device that this process trains within.

    Args:
        device: torch's name of it. On a CPU nothing is capped and nothing told.
        share: of the device; 0: it is not shared out, 1 or more: all of it.
        context: see `cap_bytes`.
    """

    def __init__(self, device: str, share: float, context: int) -> None:
        self._device = torch.device(device)
        self._share = share
        self._context = context
        self._cap: int | None = None

    def claim(self) -> None:
        """Hold this process to its share, whatever it was held to before, and count its peak from now on."""
        if self._device.type != "cuda":
            return
        forget_use(self._device)
        if self._share:
            total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
            self._cap = cap_bytes(self._share, total, self._context)
            fraction = 1.0 if self._cap is None else self._cap / total
            torch.cuda.set_per_process_memory_fraction(fraction)

    def used(self) -> dict[str, int]:
        """For the records: `peak_bytes` that tensors took at most, and `cap_bytes` where there is a cap."""
        if self._device.type != "cuda" or not torch.cuda.is_initialized():
            return {}
        peak = {"peak_bytes": torch.cuda.max_memory_reserved()}
        return peak if self._cap is None else {**peak, "cap_bytes": self._cap}

    def exceeded_by(self, error: BaseException) -> str:
        """What was asked for in vain, and what was allowed, in words."""
        asked = ". ".join(str(error).split(". ")[:2]).rstrip(".")
        words = [asked, f"the run had {self._share:g} of the GPU"] if self._share else [asked]
        if self._cap is not None:
            words.append(f"of which its tensors may take {_gib(self._cap)}")
        if (peak := self.used().get("peak_bytes")) is not None:
            words.append(f"they had taken {_gib(peak)}")
        return "; ".join(words)


def _gib(count: int) -> str:
    return f"{count / 2**30:.2f} GiB"


def private_bytes() -> int:
    """The memory that this process has written to itself: a data set that is mapped from its files is not in it.

    Where the system does not say it, the most that the process has had in memory at once.
    """
    smaps = Path("/proc/self/smaps_rollup")
    if smaps.exists():
        lines = (line.split() for line in smaps.read_text(encoding="ascii").splitlines()[1:])
        return sum(int(words[1]) * 1024 for words in lines if words[0] in ("Anonymous:", "Swap:"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
