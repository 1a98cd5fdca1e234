"""What a trial asks for is checked before anything starts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from causalmer_core.errors import UserError
from cluster.resources import TrialResources, check_available, check_fits


@pytest.mark.parametrize("gpu", [0, 0.0, 0.25, 0.999, 1, 2, 8.0])
def test_no_gpu_a_fraction_or_whole_gpus_are_allowed(gpu: float) -> None:
    assert TrialResources(gpu=gpu).gpu == gpu


@pytest.mark.parametrize("gpu", [1.5, 1.0001, 2.25])
def test_gpus_above_one_cannot_be_divided(gpu: float) -> None:
    with pytest.raises(ValidationError, match="0, a fraction below 1, or a whole number"):
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
    ],
)
def test_what_no_trial_can_ask_for_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrialResources.model_validate(fields)


def test_a_trial_that_fits_exactly_is_available() -> None:
    check_available(TrialResources(cpu=2, gpu=1), cpus=2, gpus=1)
    check_available(TrialResources(cpu=0.5, gpu=0), cpus=1, gpus=0)


def test_all_that_is_missing_is_named_with_what_is_there() -> None:
    with pytest.raises(UserError) as caught:
        check_available(TrialResources(cpu=8, gpu=0.5), cpus=2, gpus=0)
    assert str(caught.value).splitlines() == [
        "resources.cpu: a trial asks for more than there is; given 8; available 2",
        "resources.gpu: a trial asks for more than there is; given 0.5; available 0",
    ]


def test_a_trial_has_to_fit_on_one_node_of_a_cluster() -> None:
    nodes = [(16.0, 0.0), (2.0, 1.0)]
    check_fits(TrialResources(cpu=16), nodes)
    check_fits(TrialResources(cpu=2, gpu=0.5), nodes)
    with pytest.raises(UserError, match=r"resources\.cpu: .*given 4; available 2"):
        check_fits(TrialResources(cpu=4, gpu=1), nodes)
    with pytest.raises(UserError, match=r"resources\.cpu: .*given 32; available 16"):
        check_fits(TrialResources(cpu=32), nodes)
    with pytest.raises(UserError, match=r"resources\.cpu: .*available 0"):
        check_fits(TrialResources(), [])
