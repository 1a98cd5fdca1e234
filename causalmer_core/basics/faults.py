"""Which errors are faults of the machine, to be tried again, and which are the run's own and would repeat.

The rule: an error is a fault of the machine if a fresh process, a while later, may well not meet it: a full or
unreachable disk, too little shared memory, a CUDA device that fell over. Everything else is the run's own: what a user
gave, what the model's code raises, a loss that is not finite, and too little memory, since training is deterministic
and the same run asks for the same memory again (what outgrew a share of a GPU is tried with a larger one). A process
that is lost without a word is a fault of the machine at first; one that is lost again and again without an epoch in
between is the run's.
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
"""Of the operating system's errors those that pass: no space, no network, no more files, a disk that did not answer.

Not among them: a missing file or a missing permission, which a fresh process meets again.
"""

_REPEATING_CUDA = ("device-side assert",)
"""What CUDA says where the model's own code is wrong, such as an index out of range."""


class MachineFaultError(Exception):
    """A fault of the machine ended an attempt at a run; the run goes on from its checkpoint in another process."""


class ShareExceededError(MachineFaultError):
    """A run needs more memory than its share of a GPU has; it goes on from its checkpoint with a larger share."""


def is_out_of_memory(error: BaseException) -> bool:
    """On a CPU torch says so with a plain RuntimeError."""
    on_cpu = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def is_out_of_device_memory(error: BaseException) -> bool:
    """Whether a GPU, or a process's share of one, was too small."""
    return isinstance(error, torch.OutOfMemoryError)


def is_machine_fault(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, is a fault of the machine."""
    return any(_is_fault(cause) for cause in _causes(error))


def _is_fault(error: BaseException) -> bool:
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
