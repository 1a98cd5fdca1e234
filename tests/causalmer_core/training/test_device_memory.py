"""What training takes of a device: counted, measured where it can be, and held to a share on a real GPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import tiny_data

from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import RunConfig
from causalmer_core.training.cost import measure_memory
from causalmer_core.training.device_memory import DeviceShare, cap_bytes, private_bytes
from causalmer_core.training.memory_estimate import estimated_bytes

MIB = 2**20
needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch sees no CUDA device on this machine"
)


@given(st.floats(0.0001, 0.9999), st.integers(2**30, 2**38), st.integers(0, 2**31))
def test_a_share_holds_the_tensors_and_what_cuda_takes_beside_them(
    share: float, total: int, context: int
) -> None:
    cap = cap_bytes(share, total, context)
    assert cap is not None
    assert cap == 0 or cap + context <= share * total
    assert cap_bytes(1.0, total, context) is None


def test_memory_that_is_touched_is_private_and_a_mapped_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\1" * 64 * MIB)
    script = f"""
import mmap, pathlib
from causalmer_core.training.device_memory import private_bytes
with open({str(tmp_path / "data")!r}, "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
before = private_bytes()
read = sum(mapped[::4096])
mapped_bytes, before = private_bytes() - before, private_bytes()
own = bytearray(b"1") * (64 * 2**20)
print(mapped_bytes, private_bytes() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    mapped, own = map(int, done.stdout.split())
    assert mapped < 16 * MIB
    assert own > 60 * MIB
    assert private_bytes() > 0


def small(**values: object) -> RunConfig:
    return RunConfig().with_values(
        {
            "model.debiasing": "none",
            "model.backbone": {"name": "early_fusion_lstm", "hidden_dim": 16},
            **{name.replace("__", "."): value for name, value in values.items()},
        }
    )


def test_the_estimate_grows_with_batch_and_width_and_leaves_no_trace_in_random_states() -> None:
    data = tiny_data(TaskKind.EMOTIONS)
    state = torch.random.get_rng_state()
    first = estimated_bytes(small(), data)
    assert torch.equal(state, torch.random.get_rng_state())
    assert estimated_bytes(small(), data) == first
    assert estimated_bytes(small(trainer__batch_size=64), data) > first
    assert estimated_bytes(small(model__backbone__hidden_dim=64), data) > first
    assert estimated_bytes(small(loss__alpha=0.7), data) == first


def test_two_steps_and_a_batch_of_validation_are_trained_for_every_seed_of_a_block() -> None:
    use = measure_memory(small(), tiny_data(TaskKind.EMOTIONS), seeds=(0, 1), device="cpu")
    assert 0 < use.device.peak < use.device.total
    assert use.device.context == 0
    assert use.host > 0


def test_a_cpu_has_no_cap_and_its_records_no_memory() -> None:
    share = DeviceShare("cpu", 0.25, 0)
    share.claim()
    assert share.used() == {}
    words = share.exceeded_by(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")
    )
    assert words == "CUDA out of memory. Tried to allocate 2.00 GiB; the run had 0.25 of the GPU"


@needs_gpu
def test_a_process_cannot_take_more_of_a_gpu_than_its_share() -> None:
    total = torch.cuda.get_device_properties(0).total_memory
    share = DeviceShare("cuda", 0.1, 512 * MIB)
    try:
        share.claim()
        with pytest.raises(torch.OutOfMemoryError) as caught:
            torch.empty(int(0.1 * total), dtype=torch.uint8, device="cuda")
        assert "its tensors may take" in share.exceeded_by(caught.value)
        fitting = torch.empty(int(0.05 * total), dtype=torch.uint8, device="cuda")
        assert share.used()["peak_bytes"] >= fitting.numel()
        del fitting
    finally:
        DeviceShare("cuda", 1.0, 0).claim()
    torch.empty(int(0.1 * total), dtype=torch.uint8, device="cuda")


@needs_gpu
def test_what_is_measured_on_a_gpu_is_what_the_run_then_takes() -> None:
    use = measure_memory(
        small(trainer__batch_size=256), tiny_data(TaskKind.EMOTIONS), seeds=(0,), device="cuda"
    )
    assert use.device.context > 0
    again = measure_memory(
        small(trainer__batch_size=256), tiny_data(TaskKind.EMOTIONS), seeds=(0,), device="cuda"
    )
    assert again.device.peak == pytest.approx(use.device.peak, rel=0.15)
