"""What a trial asks for is checked before anything starts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from causalmer_core.basics.errors import UserError
from cluster.resources.trial_resources import NodeSupply, TrialResources, TrialShare, check_fits, most_at_once


@pytest.mark.parametrize("gpu", [0, 0.0, 0.25, 0.999, 1, 2, 8.0, "auto"])
def test_no_gpu_a_fraction_whole_gpus_or_what_a_probe_measures_are_allowed(gpu: float) -> None:
    assert TrialResources(gpu=gpu).gpu == gpu


@pytest.mark.parametrize("gpu", [1.5, 1.0001, 2.25])
def test_gpus_above_one_cannot_be_divided(gpu: float) -> None:
    with pytest.raises(ValidationError, match="0, a fraction below 1, a whole number, or auto"):
        TrialResources(gpu=gpu)


@pytest.mark.parametrize(
    "fields",
    [
        {"cpu": 0},
        {"cpu": -1},
        {"gpu": -0.5},
        {"cpu": "1"},
        {"gpu": float("nan")},
        {"cpu": float("inf")},
        {"tpu": 1},
        {"gpu": "all"},
        {"memory": 0},
        {"memory": "8G"},
        {"accelerator": ""},
        {"accelerator": "H100 80GB"},
        {"accelerator": None},
    ],
)
def test_what_no_trial_can_ask_for_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrialResources.model_validate(fields)


def test_a_trial_that_fits_exactly_is_available() -> None:
    check_fits(TrialShare(cpu=2, gpu=1, memory=4), [NodeSupply(2, 1, 4)])
    check_fits(TrialShare(cpu=0.5), [NodeSupply(1, 0)])


def test_all_that_is_missing_is_named_with_what_is_there() -> None:
    with pytest.raises(UserError) as caught:
        check_fits(TrialShare(cpu=8, gpu=0.5, memory=9), [NodeSupply(2, 0, 4)])
    assert str(caught.value).splitlines() == [
        "resources.cpu: a trial asks for more than there is; given 8; available 2",
        "resources.gpu: a trial asks for more than there is; given 0.5; available 0",
        "resources.memory: a trial asks for more than there is; given 9; available 4",
    ]


def test_a_trial_has_to_fit_on_one_node_of_a_cluster() -> None:
    nodes = [NodeSupply(16.0, 0.0), NodeSupply(2.0, 1.0)]
    check_fits(TrialShare(cpu=16), nodes)
    check_fits(TrialShare(cpu=2, gpu=0.5), nodes)
    with pytest.raises(UserError, match=r"resources\.cpu: .*given 4; available 2"):
        check_fits(TrialShare(cpu=4, gpu=1), nodes)
    with pytest.raises(UserError, match=r"resources\.cpu: .*given 32; available 16"):
        check_fits(TrialShare(cpu=32), nodes)
    with pytest.raises(UserError, match=r"resources\.cpu: .*available 0"):
        check_fits(TrialShare(), [])


def test_a_trial_may_ask_for_a_type_of_gpu_and_is_told_which_there_are() -> None:
    nodes = [
        NodeSupply.of({"CPU": 8.0, "GPU": 2.0, "accelerator_type:A100": 1.0, "memory": 2.0**33}),
        NodeSupply.of({"CPU": 4.0, "GPU": 1.0, "accelerator_type:L4": 1.0, "memory": 2.0**34}),
        NodeSupply.of({"CPU": 99.0, "memory": 2.0**40}),
    ]
    check_fits(TrialShare(gpu=1, accelerator="L4", memory=16), nodes)
    with pytest.raises(UserError) as caught:
        check_fits(TrialShare(accelerator="H100"), nodes)
    assert str(caught.value) == (
        "resources.accelerator: no node has such a GPU; given H100; allowed any, A100, L4"
    )
    with pytest.raises(UserError, match=r"resources\.gpu: .*given 2; available 1"):
        check_fits(TrialShare(gpu=2, accelerator="L4"), nodes)
    with pytest.raises(UserError, match=r"resources\.memory: .*given 16; available 8"):
        check_fits(TrialShare(accelerator="A100", memory=16), nodes)


def test_a_type_of_gpu_binds_a_trial_to_nodes_that_have_it_and_to_nothing_else() -> None:
    share = TrialShare(cpu=2, gpu=0.25, accelerator="H100", memory=1.5)
    assert share.ray_resources() == {
        "CPU": 2.0,
        "GPU": 0.25,
        "memory": 1.5 * 2**30,
        "accelerator_type:H100": 0.001,
    }
    assert TrialShare().ray_resources() == {"CPU": 1.0}


def test_a_trial_may_be_bound_to_several_types_of_gpus() -> None:
    share = TrialShare(gpu=0.5, among=("A100", "H100"))
    nodes = [NodeSupply(4, 1, accelerators=frozenset({kind})) for kind in ("T4", "H100", "A100")]
    assert [node.holds(share) for node in nodes] == [False, True, True]
    assert not NodeSupply(4, 1).holds(share)
    assert share.ray_labels() == {"ray.io/accelerator-type": "in(A100,H100)"}
    assert TrialShare(gpu=0.5).ray_labels() == {}
    assert most_at_once(share, nodes) == 4


def test_what_is_measured_later_counts_as_nothing_before() -> None:
    assert TrialResources(gpu="auto", cpu=2).least == TrialShare(cpu=2)
    assert TrialResources(gpu=0.5, memory=3, accelerator="T4").least == TrialShare(
        gpu=0.5, memory=3, accelerator="T4"
    )


@pytest.mark.parametrize(("cpu", "threads"), [(0.25, 1), (1, 1), (1.9, 1), (2, 2), (6.5, 6)])
def test_threads_follow_the_share_of_the_cpu(cpu: float, threads: int) -> None:
    assert TrialShare(cpu=cpu).threads == threads


@pytest.mark.parametrize(
    ("share", "count"),
    [
        (TrialShare(cpu=1), 8 + 4),
        (TrialShare(cpu=3), 2 + 1),
        (TrialShare(cpu=0.1), 80 + 40),
        (TrialShare(cpu=1, gpu=0.4), 4),  # two on each of two GPUs, not five on both together
        (TrialShare(cpu=1, gpu=2), 1),
        (TrialShare(cpu=1, memory=6), 2 + 1),
        (TrialShare(cpu=9), 0),
    ],
)
def test_as_many_trials_have_room_as_fit_side_by_side(share: TrialShare, count: int) -> None:
    nodes = [NodeSupply(8, 2, 16), NodeSupply(4, 0, 8)]
    assert most_at_once(share, nodes) == count
