"""Shares of GPUs: whole trials fill a device, and every trial fits with its margin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.nodes.memory_probe import types_of_gpus
from cluster.resources.gpu_share import MARGIN, raised, share_of
from cluster.resources.trial_resources import ANY, NodeSupply

totals = st.integers(2**30, 2**40)
parts = st.floats(1e-6, 2.0)


def ray_units(share: float) -> int:
    """How Ray counts a share: in steps of 1/10000."""
    return round(share * 10_000)


@given(totals, parts)
def test_whole_trials_fit_a_device_with_the_margin(total: int, part: float) -> None:
    taken = part * total
    share = share_of(taken, total)
    assert 0 < share <= 1
    assert ray_units(share) == pytest.approx(share * 10_000), "Ray would round it"
    trials = 10_000 // ray_units(share)
    assert trials * ray_units(share) <= 10_000
    if (1 + MARGIN) * taken <= total:
        assert share * total >= (1 + MARGIN) * taken * (1 - 1e-9)
        assert trials * (1 + MARGIN) * taken <= total * (1 + 1e-9)
    else:
        assert share == 1


@given(totals, parts)
def test_no_device_is_left_with_room_for_a_further_trial(total: int, part: float) -> None:
    share = share_of(part * total, total)
    trials = 10_000 // ray_units(share)
    assert ray_units(share) == 10_000 // trials
    if trials < 10_000:
        assert (trials + 1) * ((1 + MARGIN) * part * total + total / 10_000) > total


@given(totals, parts, parts)
def test_what_takes_more_never_gets_less(total: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert share_of(low * total, total) <= share_of(high * total, total)


@pytest.mark.parametrize(
    ("gib", "share"), [(1, 0.0144), (5, 0.0769), (11, 0.1666), (30, 0.5), (69, 1.0), (99, 1.0)]
)
def test_shares_of_a_device_of_80_gib(gib: int, share: float) -> None:
    assert share_of(gib * 2**30, 80 * 2**30) == share


@given(st.floats(0.0001, 0.9999))
def test_another_try_has_twice_the_share_and_at_most_a_device(share: float) -> None:
    assert raised(share) == min(2 * share, 1.0)


def test_who_has_a_device_alone_gets_no_more() -> None:
    assert raised(1.0) is None
    assert raised(2.0) is None


def test_every_type_of_gpu_that_trials_may_get_is_measured() -> None:
    nodes = [
        NodeSupply(8, 0),
        NodeSupply(8, 2, accelerators=frozenset({"L4"})),
        NodeSupply(8, 1, accelerators=frozenset({"H100"})),
        NodeSupply(8, 1),
    ]
    assert types_of_gpus(ANY, nodes) == ("H100", "L4", ANY)
    assert types_of_gpus("L4", nodes) == ("L4",)
    assert types_of_gpus("A100", nodes) == ()
    assert types_of_gpus(ANY, nodes[:1]) == ()
