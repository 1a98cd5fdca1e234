"""Which errors are tried again: those that another process, a while later, may not meet."""

from __future__ import annotations

import errno

import pytest
import torch

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.faults import is_machine_fault, is_out_of_memory
from causalmer_core.training.trainer import NonFiniteLossError


def caused_by(cause: BaseException) -> UserError:
    error = UserError("last.safetensors: not a readable checkpoint")
    error.__cause__ = cause
    return error


PASSING = {
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "disk that does not answer": OSError(errno.EIO, "Input/output error"),
    "stale handle of a network disk": OSError(errno.ESTALE, "Stale file handle"),
    "too many open files": OSError(errno.EMFILE, "Too many open files"),
    "a checkpoint that could not be read for such a reason": caused_by(OSError(errno.EIO, "error")),
    "shared memory": RuntimeError("unable to open shared memory object </torch_1> in read-write mode"),
    "a device that fell over": torch.AcceleratorError("CUDA error: unspecified launch failure"),
    "a library of the device": RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"),
}
REPEATING = {
    "a missing file": FileNotFoundError(errno.ENOENT, "No such file or directory"),
    "a missing permission": PermissionError(errno.EACCES, "Permission denied"),
    "weights that are not there, as transformers says it": OSError("Can't load the model for 'albert'"),
    "what a user gave": UserError("kernel_text is 9"),
    "a damaged checkpoint": caused_by(ValueError("bad header")),
    "a loss that is not finite": NonFiniteLossError("the training loss of epoch 2 is nan"),
    "the model's own code": RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
    "an index out of range on a device": torch.AcceleratorError("CUDA error: device-side assert triggered"),
    "too little memory": torch.OutOfMemoryError("CUDA out of memory"),
    "any other": ZeroDivisionError("division by zero"),
}


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_the_machines_fault(error: Exception) -> None:
    assert is_machine_fault(error)


@pytest.mark.parametrize("error", REPEATING.values(), ids=REPEATING)
def test_what_would_repeat_is_the_runs_own(error: Exception) -> None:
    assert not is_machine_fault(error)


def test_too_little_memory_is_told_on_every_device() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
