"""The peak memory and the memory cap of a process on its training device.

torch's allocator reserves memory of a CUDA device for tensors. The process also holds the device's context (code and
workspaces, some hundred MiB), which torch neither counts nor caps. So a cap is the process's share minus the context.
On a CPU the process's private memory is counted instead, and nothing is capped.

The CUDA device is always torch's current one: a trial sees only the GPUs that Ray gave it, and trains on the first.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from os import sysconf
from pathlib import Path

import torch

ASSUMED_CONTEXT_BYTES = 600 * 2**20
"""The assumed context of a process whose context was not measured."""


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """The memory that a process uses on its device.

    Attributes:
        peak: the most bytes for tensors so far, including free pieces that the allocator keeps.
        context: bytes beside the tensors. Memory of other programs on the device counts here, too: it cannot be told
            apart.
        total: bytes of the device.
    """

    peak: int
    context: int
    total: int


def device_name(device: torch.device) -> str:
    """The name of the device in records: `cpu`, or `cuda` with the model of the GPU."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return device.type
    return f"cuda ({torch.cuda.get_device_name()})"


def device_use(device: torch.device) -> DeviceUse:
    """The memory that this process uses on its device, and its peak since `forget_use`."""
    if device.type != "cuda":
        return DeviceUse(private_bytes(), 0, sysconf("SC_PAGE_SIZE") * sysconf("SC_PHYS_PAGES"))
    free, total = torch.cuda.mem_get_info()
    context = max(total - free - torch.cuda.memory_reserved(), 0)
    return DeviceUse(torch.cuda.max_memory_reserved(), context, total)


def forget_use(device: torch.device) -> None:
    """Return free pieces of memory to the device, and count the peak from now on."""
    if device.type == "cuda":
        torch.cuda.init()  # without it `reset_peak_memory_stats` raises an error
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def cap_bytes(share: float, total: int, context: int) -> int | None:
    """The bytes that the tensors of a process may take on its device. None: no cap.

    Args:
        share: the process's share of the device; 1 or more: all of it.
        total: bytes of the device.
        context: bytes of the process beside its tensors.
    """
    return None if share >= 1 else max(int(share * total) - context, 0)


class DeviceShare:
    """The share of a device that this process trains within.

    Args:
        device: torch's name of the device. On a CPU all methods are no-ops.
        share: the share of the device; 0: the device is not shared, 1 or more: all of it.
        context: see `cap_bytes`.
    """

    def __init__(self, device: str, share: float, context: int) -> None:
        self._device = torch.device(device)
        self._share = share
        self._context = context
        self._cap: int | None = None

    def claim(self) -> None:
        """Cap this process at its share, whatever its cap was before, and count its peak from now on."""
        if self._device.type != "cuda":
            return
        forget_use(self._device)
        if self._share:
            total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
            self._cap = cap_bytes(self._share, total, self._context)
            fraction = 1.0 if self._cap is None else self._cap / total
            torch.cuda.set_per_process_memory_fraction(fraction)

    def used(self) -> dict[str, int]:
        """The peak of the tensors and the cap, for the records: `peak_bytes`, and `cap_bytes` if there is a cap."""
        if self._device.type != "cuda" or not torch.cuda.is_initialized():
            return {}
        peak = {"peak_bytes": torch.cuda.max_memory_reserved()}
        return peak if self._cap is None else {**peak, "cap_bytes": self._cap}

    def exceeded_by(self, error: BaseException) -> str:
        """The memory that was asked for and the memory that was allowed, in words."""
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
    """The private memory of this process, in bytes, without memory-mapped data sets.

    Without `/proc` it is the peak of the process's whole memory.
    """
    smaps = Path("/proc/self/smaps_rollup")
    if smaps.exists():
        lines = (line.split() for line in smaps.read_text(encoding="ascii").splitlines()[1:])
        return sum(int(words[1]) * 1024 for words in lines if words[0] in ("Anonymous:", "Swap:"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
