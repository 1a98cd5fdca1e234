"""Errors that are faults of the machine and are retried; all others are the run's own.

An error is a fault of the machine if a fresh process may well not meet it later: a full or unreachable disk, too little
shared memory, a failed CUDA device, a data set that was removed. All other errors are the run's own and would repeat: a
wrong input, an error of the model's code, a loss that is not finite, too little memory. Training is deterministic, so
the same run needs the same memory again. Only a run that exceeded its share of a GPU is retried, with a larger share.

A process that dies without an error is a fault of the machine at first. If it dies several times without an epoch in
between, the fault is the run's.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

import torch

_PASSING = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EBUSY, errno.EAGAIN, errno.EMFILE),
        *(errno.ENFILE, errno.ETIMEDOUT, errno.ECONNRESET, errno.ENETDOWN, errno.ENETUNREACH),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.EREMOTEIO),
    }
)
"""Errors of the operating system that may pass: no space, no network, too many open files, a disk without an answer.

A missing file or permission is not among them: a fresh process meets it again.
"""

_REPEATING_CUDA = ("device-side assert",)
"""Words of CUDA's errors that a fault in the model's own code causes, such as an index out of range."""


class MachineFaultError(Exception):
    """A fault of the machine ended an attempt at a run; the run resumes from its checkpoint in another process."""


class DataUnavailableError(MachineFaultError):
    """A run's data set was removed, damaged, or is out of reach of this node, although the sweep began with it."""


class ShareExceededError(MachineFaultError):
    """A run needs more memory than its share of a GPU; it resumes from its checkpoint with a larger share."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of a GPU, of a process's share of one, or of the machine was too small."""
    # On a CPU torch raises a plain RuntimeError.
    on_cpu = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def is_out_of_device_memory(error: BaseException) -> bool:
    """Whether a GPU, or a process's share of one, was too small."""
    return isinstance(error, torch.OutOfMemoryError)


def is_machine_fault(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, is a fault of the machine."""
    return any(_is_fault(cause) for cause in _causes(error))


def _is_fault(error: BaseException) -> bool:
    if isinstance(error, MachineFaultError):
        return True
    if isinstance(error, OSError):
        return error.errno in _PASSING
    if is_out_of_memory(error) or not isinstance(error, RuntimeError):
        return False
    text = str(error)
    of_device = isinstance(error, torch.AcceleratorError) or "CUDA error" in text or "CUDNN_STATUS" in text
    return "shared memory" in text or (of_device and not any(words in text for words in _REPEATING_CUDA))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
