"""Warnings about configurations in which debiasing does nothing or a loss makes no sense.

Each warning follows from the equations of `fusion`, `effects` and `losses`.
"""

from __future__ import annotations

from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.config.run_config import AlbertBranchConfig, ModelConfig, RunConfig


def constants_can_learn(model: ModelConfig, task: Task) -> bool:
    """Whether the KL term has a gradient for the no-treatment constants, other than rounding noise.

    With one output every softmax in it is 1. With fusion `tanh` the constants shift all logits of a softmax alike.
    """
    return task.num_outputs > 1 and model.fusion != "tanh"


def method_warnings(config: RunConfig, task: Task) -> tuple[str, ...]:
    """Warnings about a configuration for a task, one sentence each."""
    model = config.model
    found = []
    if model.debiasing == "counterfactual":
        found += _counterfactual_warnings(config, task)
    uses_fusion = model.debiasing in ("counterfactual", "late_fusion")
    if uses_fusion and task.kind is TaskKind.REGRESSION and model.fusion in ("sum", "hm"):
        found.append(
            f"fusion {model.fusion}: its output is at most 0, so positive scores cannot be predicted"
        )
    return tuple(found)


def _counterfactual_warnings(config: RunConfig, task: Task) -> list[str]:
    model = config.model
    found = []
    if model.fusion == "tanh":
        found.append(
            "fusion tanh: with weights 1 the TIE is the backbone's logit plus a constant, so debiasing never changes "
            "an argmax, and the constants cancel in the KL term"
        )
    stay = not constants_can_learn(model, task) or config.loss.beta == 0.0
    if task.num_outputs == 1:
        found.append("with one output the KL term is 0, so the no-treatment constants stay at their start")
    elif config.loss.beta == 0.0:
        found.append("with loss.beta 0 the no-treatment constants have no gradient and stay at their start")
    if model.fusion == "mask" and stay and model.initial_constant == 0.0:
        found.append("fusion mask with constants at 0: every NDE is 0, and the TIE is the factual fusion")
    return found


def run_notes(config: RunConfig, task: Task) -> tuple[str, ...]:
    """The notes in a run's record: its method warnings, and the source of its text branch's weights."""
    notes = list(method_warnings(config, task))
    text = config.model.text_branch
    if config.model.debiasing != "none" and isinstance(text, AlbertBranchConfig):
        source = "fresh weights from its config" if text.path is None else f"weights from {text.path}"
        notes.append(f"ALBERT with {source}")
    return tuple(notes)
