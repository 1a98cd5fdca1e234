"""Tables of `causalmer checkpoint`."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name
from causalmer_core.basics.task import TaskKind
from causalmer_core.published_checkpoint.importing import ImportedModel
from results.evaluation.checkpoint_evaluation import CheckpointEvaluation

_BRANCHES = {
    "tav_branch": "backbone",
    "t_branch": "text branch",
    "a_branch": "audio branch",
    "v_branch": "vision branch",
}


def checkpoint_table(found: ImportedModel) -> RenderableType:
    """What an import found, and what it assumed."""
    record, config = found.record, found.config
    mult, albert = config.model.backbone.model_dump(), config.model.text_branch.model_dump()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_column()
    kernels = f"kernels {'/'.join(str(mult[f'kernel_{m}']) for m in MODALITIES)}"
    shapes = [
        ("file", f"{record.source_file}, {record.form}, SHA-256 {record.source_sha256[:16]}"),
        ("task", f"{record.task.kind.value}, {record.task.num_outputs} outputs"),
        ("widths", ", ".join(f"{m.value} {record.widths[m]}" for m in MODALITIES)),
        (
            "MulT",
            ", ".join(f"{name} {mult[name]}" for name in ("hidden_dim", "layers", "memory_layers"))
            + f", {kernels}",
        ),
        (
            "ALBERT",
            ", ".join(
                f"{name} {albert[name]}"
                for name in (
                    "embedding_size",
                    "hidden_size",
                    "intermediate_size",
                    "vocab_size",
                    "max_positions",
                )
            ),
        ),
        ("parameters", _parameters(found.parameters)),
        (
            "constants",
            ", ".join(f"c_{letter} {c:.6g}" for letter, c in zip("tav", found.constants, strict=True)),
        ),
        ("never read", _listed(found.unread)),
    ]
    for name, text in shapes:
        table.add_row(Text(name), Text(text), Text("in the file"))
    for setting in record.settings:
        style = "yellow" if setting.source == "assumed" else ""
        table.add_row(Text(setting.name), Text(str(setting.value)), Text(setting.source, style=style))
    return table


def evaluation_tables(found: CheckpointEvaluation, data: str, split: str) -> RenderableType:
    """Metrics by what is removed and by what is predicted by; for emotions, the TIE's for each emotion too."""
    first = next(iter(found.metrics.values()))["tie"]
    parts = [name for name in first if _label_of(name, found) is not None]
    whole = [name for name in first if name not in parts]
    table = _table("removed", "predicts by", *whole)
    for subset, predictions in found.metrics.items():
        for name, metrics in predictions.items():
            shown = _removed(subset) if name == "tie" else ""
            table.add_row(*map(Text, (shown, name, *(f"{metrics[m]:.4f}" for m in whole))))
    title = Text(f"data set {data}, split {split}, {found.samples} samples")
    return Group(title, table, Text(""), _emotions(found)) if parts else Group(title, table)


def _emotions(found: CheckpointEvaluation) -> Table:
    table = _table("removed", "TIE by emotion", *found.task.labels)
    for subset, predictions in found.metrics.items():
        metrics = predictions["tie"]
        for kind in ("accuracy", "weighted_f1"):
            values = (f"{metrics[f'{kind}_{label}']:.4f}" for label in found.task.labels)
            shown = _removed(subset) if kind == "accuracy" else ""
            table.add_row(*map(Text, (shown, kind, *values)))
    return table


def _label_of(metric: str, found: CheckpointEvaluation) -> str | None:
    if found.task.kind is not TaskKind.EMOTIONS:
        return None
    return next((label for label in found.task.labels if metric.endswith(f"_{label}")), None)


def _removed(subset: frozenset[Modality]) -> str:
    return ",".join(subset_name(subset)) if subset else "none"


def _parameters(counts: dict[str, int]) -> str:
    parts = [f"{_BRANCHES.get(name, name)} {count:,}" for name, count in counts.items()]
    return f"{sum(counts.values()):,}: {', '.join(parts)}"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (", ".join(names[:3]) or "nothing") + more


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table
