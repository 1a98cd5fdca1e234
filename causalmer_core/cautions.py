"""What a reader of a run's record must know: combinations in which debiasing does nothing or a loss makes no sense.

Each follows from the equations of `fusion`, `effects` and `losses`.
"""

from __future__ import annotations

from causalmer_core.config import AlbertBranchConfig, RunConfig
from causalmer_core.task import Task, TaskKind


def cautions(config: RunConfig, task: Task) -> tuple[str, ...]:
    """Warnings about a configuration for a task, one sentence each."""
    model = config.model
    if model.debiasing == "none":
        return ()
    found = []
    if model.fusion == "tanh":
        found.append(
            "fusion tanh: the TIE is the backbone's logit plus a constant, so debiasing never changes an argmax, "
            "and the constants cancel in the KL term"
        )
    constants_stay = task.num_outputs == 1 or config.loss.beta == 0.0
    if constants_stay:
        why = "with one output" if task.num_outputs == 1 else "with loss.beta 0"
        found.append(f"{why} the KL term has no gradient, so the no-treatment constants stay at their start")
    if model.fusion == "mask" and constants_stay and model.initial_constant == 0.0:
        found.append("fusion mask with constants at 0: every NDE is 0 and the TIE is the factual fusion")
    if task.kind is TaskKind.REGRESSION and model.fusion in ("sum", "hm"):
        found.append(f"fusion {model.fusion}: its output is at most 0, so positive scores cannot be predicted")
    return tuple(found)


def run_notes(config: RunConfig, task: Task) -> tuple[str, ...]:
    """What stands in the notes of a run: its cautions, and where its text branch's weights come from."""
    notes = list(cautions(config, task))
    text = config.model.text_branch
    if config.model.debiasing != "none" and isinstance(text, AlbertBranchConfig):
        source = "fresh weights from its config" if text.path is None else f"weights from {text.path}"
        notes.append(f"ALBERT with {source}")
    return tuple(notes)
