"""Feature statistics agree with a direct computation, whatever the chunks and the padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from causalmer_core.datasets.statistics import count_padding, feature_statistics


def features() -> np.ndarray:
    values = np.random.default_rng(5).normal(1000.0, 0.5, size=(23, 5, 4)).astype(np.float32)
    values *= np.float32([1, 0.001, 50, 1])
    values[3:9, :2] = 0
    values[11] = 0
    return values


@pytest.mark.parametrize("chunk_bytes", [1, 200, 10**9])
def test_statistics_leave_padding_out_whatever_the_chunks(chunk_bytes: int) -> None:
    values = features()
    steps = values.astype(np.float64)[values.any(axis=2)]
    found = feature_statistics(values, chunk_bytes)
    np.testing.assert_allclose(found.mean, steps.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.std, steps.std(axis=0), rtol=1e-5)
    assert found.mean.dtype == found.std.dtype == np.float32


def test_statistics_of_a_memory_map_are_those_of_the_array(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", features())
    mapped = feature_statistics(np.load(tmp_path / "x.npy", mmap_mode="r"), 200)
    np.testing.assert_array_equal(mapped.std, feature_statistics(features(), 200).std)


def test_a_constant_channel_has_the_standard_deviation_1() -> None:
    values = features()
    values[:, :, 2] = np.where(values.any(axis=2), np.float32(0.1), 0)
    values[:, :, 3] = 0
    found = feature_statistics(values, 200)
    assert found.std[2:].tolist() == [1, 1]
    assert found.std[0] != 1


def test_nothing_but_padding_gives_the_identity() -> None:
    found = feature_statistics(np.zeros((3, 2, 4), dtype=np.float32))
    assert found.mean.tolist() == [0] * 4
    assert found.std.tolist() == [1] * 4


def test_padding_counts_steps_and_whole_samples() -> None:
    padding = count_padding(features(), 200)
    assert (padding.steps, padding.missing_samples) == (6 * 2 + 5, 1)
