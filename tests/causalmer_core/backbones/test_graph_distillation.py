"""A graph-distillation unit against plain loops over students and teachers."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from causalmer_core.backbones.graph_distillation import GraphDistillation

FAVOURED = (0, 0, 1, 0, 1, 1)
EDGES = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
"""Student, then teacher."""

Distance = Literal["l1", "cosine"]


def unit(distance: Distance = "l1", outputs: int = 2) -> GraphDistillation:
    torch.manual_seed(0)
    return GraphDistillation(outputs, 5, size=4, favoured=FAVOURED, distance=distance)


def inputs(outputs: int = 2, batch: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(3, batch, outputs, generator=generator, requires_grad=True)
    return logits, torch.randn(3, batch, 5, generator=generator, requires_grad=True)


def edges_by_loops(model: GraphDistillation, logits: Tensor, reprs: Tensor) -> Tensor:
    columns = []
    for sample in range(logits.shape[1]):
        z = [torch.cat([model.W_logit(logits[m, sample]), model.W_repr(reprs[m, sample])]) for m in range(3)]
        scores = torch.cat([model.W_edge(torch.cat([z[student], z[teacher]])) for student, teacher in EDGES])
        columns.append(torch.softmax(scores / 8, dim=0))
    return torch.stack(columns, dim=1)


def terms_by_loops(model: GraphDistillation, logits: Tensor, reprs: Tensor) -> dict[str, Tensor]:
    edges = edges_by_loops(model, logits, reprs)
    prior = torch.softmax(torch.tensor(FAVOURED) / 0.25, dim=0)
    batch = logits.shape[1]
    terms = {name: torch.zeros(()) for name in ("regularisation", "logits", "l1", "cosine")}
    for edge, (student, teacher) in enumerate(EDGES):
        terms["regularisation"] = terms["regularisation"] + 10 * (edges[edge].mean() - prior[edge]) ** 2
        weights = edges[edge] + prior[edge]
        cosines = []
        for b in range(batch):
            taught, teaching = reprs[student, b], reprs[teacher, b].detach()
            apart = (logits[student, b] - logits[teacher, b].detach()).abs().sum()
            terms["logits"] = terms["logits"] + weights[b] * apart / batch
            terms["l1"] = terms["l1"] + 10 * weights[b] * (taught - teaching).abs().sum() / batch
            cosines.append(torch.relu(taught @ teaching / (taught.norm() * teaching.norm())))
        terms["cosine"] = terms["cosine"] + 10 * weights.mean() * torch.stack(cosines).mean()
    return terms


@pytest.mark.parametrize("outputs", [1, 6])
@pytest.mark.parametrize("distance", ["l1", "cosine"])
@pytest.mark.parametrize("term", ["regularisation", "logits", "representations"])
def test_each_term_and_its_gradient_are_those_of_the_loops(
    term: str, distance: Distance, outputs: int
) -> None:
    model = unit(distance, outputs)
    logits, reprs = inputs(outputs)
    given = [logits, reprs, *model.parameters()]
    found = getattr(model(logits, reprs), term)
    expected = terms_by_loops(model, logits, reprs)[distance if term == "representations" else term]
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, given), torch.autograd.grad(expected, given))


def test_the_edges_of_a_sample_sum_to_one_and_are_its_own() -> None:
    model, (logits, reprs) = unit(), inputs()
    edges = model(logits, reprs).edges
    torch.testing.assert_close(edges.sum(dim=0), torch.ones(3))
    torch.testing.assert_close(edges[:, 1:2], model(logits[:, 1:2], reprs[:, 1:2]).edges)


def test_alike_modalities_have_no_distance() -> None:
    logits, reprs = (x[:1].expand(3, -1, -1) for x in inputs())
    found = unit()(logits, reprs)
    assert found.logits.item() == found.representations.item() == 0
    assert found.regularisation.item() > 0
