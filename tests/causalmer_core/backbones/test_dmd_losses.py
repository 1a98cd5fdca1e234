"""DMD's loss terms against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import TASKS
from torch import Tensor

from causalmer_core.backbones.dmd_losses import (
    MARGIN,
    Decoupled,
    cycle_loss,
    label_distances,
    margin_loss,
    orthogonality_loss,
    reconstruction_loss,
)
from causalmer_core.basics.task import TaskKind


def dot(x: list[float], y: list[float]) -> float:
    return sum(a * b for a, b in zip(x, y, strict=True))


def margin_by_loops(features: list[list[float]], distances: list[list[float]]) -> float:
    """The hinge as its docstring states it, one triple after another."""

    def cosine(x: list[float], y: list[float]) -> float:
        return dot(x, y) / math.sqrt((dot(x, x) + 1e-8) * (dot(y, y) + 1e-8))

    anchors = []
    for i, of_i in enumerate(distances):
        likes = [j for j, distance in enumerate(of_i) if distance == 0 and j != i]
        unlikes = [k for k, distance in enumerate(of_i) if distance > 0]
        hinges = [
            max(
                0.0,
                MARGIN * of_i[k] + cosine(features[i], features[k]) - cosine(features[i], features[j]),
            )
            for j in likes
            for k in unlikes
        ]
        if hinges:
            anchors.append(sum(hinges) / len(hinges))
    return sum(anchors) / len(anchors) if anchors else 0.0


def margin_dense(features: Tensor, distances: Tensor) -> Tensor:
    """The hinge over all triples at once, whose gradient autograd takes term by term."""
    unit = features / (features.square().sum(1, keepdim=True) + 1e-8).sqrt()
    cosine, unlike = unit @ unit.T, distances > 0
    like = ~unlike & ~torch.eye(len(features), dtype=torch.bool)
    hinge = torch.relu((MARGIN * distances + cosine)[:, None, :] - cosine[:, :, None])
    triples = (like[:, :, None] & unlike[:, None, :]).to(features.dtype)
    count = triples.sum((1, 2))
    return ((hinge * triples).sum((1, 2)) / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)


@st.composite
def labelled_features(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Some rows of features in [-2, 2], and a score of few values for each."""
    count = draw(st.integers(1, 9))
    width = draw(st.integers(1, 4))
    numbers = st.floats(-2, 2, width=32, allow_subnormal=False)
    rows = draw(st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=count, max_size=count))
    scores = draw(st.lists(st.sampled_from([-3.0, -1.5, 0.0, 0.5, 2.0]), min_size=count, max_size=count))
    return torch.tensor(rows), label_distances(TASKS[TaskKind.REGRESSION], torch.tensor(scores))


class TestMargin:
    @given(labelled_features())
    def test_is_the_mean_over_all_triples(self, drawn: tuple[Tensor, Tensor]) -> None:
        features, distances = drawn
        found = margin_loss(features, distances).item()
        assert found == pytest.approx(margin_by_loops(features.tolist(), distances.tolist()), abs=2e-5)

    @pytest.mark.parametrize("samples", [2, 12, 40])
    def test_its_gradient_is_that_of_all_triples(self, samples: int) -> None:
        torch.manual_seed(samples)
        features = torch.randn(samples, 5, requires_grad=True)
        scores = torch.randint(-3, 4, (samples,)).float()
        distances = label_distances(TASKS[TaskKind.REGRESSION], scores)
        found = torch.autograd.grad(margin_loss(features, distances), features)
        expected = torch.autograd.grad(margin_dense(features, distances), features)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("scores", [[1.0], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    def test_without_likes_or_unlikes_it_is_zero_and_so_is_its_gradient(self, scores: list[float]) -> None:
        features = torch.randn(len(scores), 3, requires_grad=True)
        loss = margin_loss(features, label_distances(TASKS[TaskKind.REGRESSION], torch.tensor(scores)))
        (gradient,) = torch.autograd.grad(loss, features)
        assert loss.item() == 0
        assert torch.equal(gradient, torch.zeros_like(features))

    def test_it_is_zero_once_likes_are_nearer_by_the_margin(self) -> None:
        distances = label_distances(TASKS[TaskKind.CLASSES], torch.tensor([0, 0, 1, 1]))
        apart = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
        assert margin_loss(apart, distances).item() == 0
        assert margin_loss(torch.ones(4, 2), distances).item() == pytest.approx(MARGIN)


class TestLabelDistances:
    def test_scores_are_as_far_apart_as_they_differ(self) -> None:
        found = label_distances(TASKS[TaskKind.REGRESSION], torch.tensor([-1.0, 0.5, 0.5]))
        assert found.tolist() == [[0, 1.5, 1.5], [1.5, 0, 0], [1.5, 0, 0]]

    def test_classes_are_alike_or_not_whatever_their_numbers(self) -> None:
        found = label_distances(TASKS[TaskKind.CLASSES], torch.tensor([0, 2, 1, 0]))
        assert found.tolist() == [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]

    def test_emotions_count_the_emotions_that_differ(self) -> None:
        labels = torch.tensor([[0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1]])
        found = label_distances(TASKS[TaskKind.EMOTIONS], labels)
        assert found.tolist() == [[0, 0, 2], [0, 0, 2], [2, 2, 0]]


def decoupled(steps: int, mask: Tensor | None = None) -> Decoupled:
    values = torch.randn(5, 3, 4, steps)
    if mask is not None:
        values = values * mask[:, None, :]
    return Decoupled(*values.unbind(), mask)


def present_step_counts(parts: Decoupled) -> list[tuple[int, int]]:
    samples, _, steps = parts.projected.shape
    mask = torch.ones(samples, steps) if parts.mask is None else parts.mask
    return [(b, t) for b in range(samples) for t in range(steps) if mask[b, t]]


MASK = torch.tensor([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]).bool()


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
class TestDecoupling:
    def test_orthogonality_is_the_mean_of_positive_cosines_over_channels(self, mask: Tensor | None) -> None:
        torch.manual_seed(0)
        parts = [decoupled(5, mask), decoupled(7), decoupled(6)]
        of_modalities = []
        for p in parts:
            cosines = [
                torch.nn.functional.cosine_similarity(p.private[b, :, t], p.shared[b, :, t], dim=0).item()
                for b, t in present_step_counts(p)
            ]
            of_modalities.append(sum(max(0.0, c) for c in cosines) / len(cosines))
        assert orthogonality_loss(parts).item() == pytest.approx(sum(of_modalities) / 3, rel=1e-5)

    def test_reconstruction_and_cycle_are_mean_squares_over_the_steps_that_are_there(
        self, mask: Tensor | None
    ) -> None:
        torch.manual_seed(0)
        parts = [decoupled(5, mask), decoupled(7), decoupled(6)]

        def expected(found: str, wanted: str) -> float:
            total = 0.0
            for p in parts:
                errors = [
                    (getattr(p, found)[b, :, t] - getattr(p, wanted)[b, :, t]).square().mean().item()
                    for b, t in present_step_counts(p)
                ]
                total += sum(errors) / len(errors)
            return total

        assert reconstruction_loss(parts).item() == pytest.approx(
            expected("reconstructed", "projected"), rel=1e-5
        )
        assert cycle_loss(parts).item() == pytest.approx(expected("private_again", "private"), rel=1e-5)


def test_orthogonality_has_a_finite_gradient_at_steps_of_zeros() -> None:
    private = torch.zeros(2, 3, 4, requires_grad=True)
    shared = torch.zeros(2, 3, 4, requires_grad=True)
    parts = Decoupled(torch.zeros(2, 3, 4), private, shared, torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), None)
    gradients = torch.autograd.grad(orthogonality_loss([parts]), (private, shared))
    assert all(torch.equal(gradient, torch.zeros(2, 3, 4)) for gradient in gradients)
