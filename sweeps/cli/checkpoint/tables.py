"""Tables of `causalmer checkpoint`."""

from __future__ import annotations

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name
from causalmer_core.basics.task import TaskKind
from causalmer_core.published_checkpoint.importing import ImportedModel
from results.evaluation.checkpoint_evaluation import CheckpointEvaluation
from results.report.table import Cell, Column, Table

_BRANCHES = {
    "tav_branch": "backbone",
    "t_branch": "text branch",
    "a_branch": "audio branch",
    "v_branch": "vision branch",
}


def checkpoint_table(found: ImportedModel) -> Table:
    """What an import found, and what it assumed."""
    record, config = found.record, found.config
    mult, albert = config.model.backbone.model_dump(), config.model.text_branch.model_dump()
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
    settings = [
        (
            each.name,
            Cell(each.value, str(each.value)),
            Cell(each.source, each.source, each.source == "assumed"),
        )
        for each in record.settings
    ]
    columns = (Column("", "name"), Column("", "value"), Column("", "source"))
    return Table("checkpoint", "", columns, [*((*shape, "in the file") for shape in shapes), *settings])


def evaluation_tables(found: CheckpointEvaluation, data: str, split: str) -> list[Table]:
    """Metrics by the removed modalities and the prediction; of emotions, the TIE's for each emotion too."""
    first = next(iter(found.metrics.values()))["tie"]
    whole = [name for name in first if _label_of(name, found) is None]
    metrics = Table(
        "metrics",
        f"data set {data}, split {split}, {found.samples} samples",
        (Column("removed", once=True), Column("predicts by", "prediction"), *map(Column, whole)),
        [
            (_removed(subset), name, *(values[metric] for metric in whole))
            for subset, predictions in found.metrics.items()
            for name, values in predictions.items()
        ],
        labels=2,
    )
    if len(whole) == len(first):
        return [metrics]
    labels = found.task.labels
    emotions = Table(
        "emotions",
        "",
        (Column("removed", once=True), Column("TIE by emotion", "metric"), *map(Column, labels)),
        [
            (_removed(subset), kind, *(predictions["tie"][f"{kind}_{label}"] for label in labels))
            for subset, predictions in found.metrics.items()
            for kind in ("accuracy", "weighted_f1")
        ],
        labels=2,
    )
    return [metrics, emotions]


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
