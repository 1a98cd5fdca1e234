"""`causalmer checkpoint`: import a published checkpoint, evaluate one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality, subsets
from causalmer_core.config.run_config import FusionName
from causalmer_core.datasets.store import ROOT_VARIABLE, default_root
from causalmer_core.published_checkpoint.importing import import_published
from causalmer_core.published_checkpoint.settings import Given
from results.evaluation.checkpoint_evaluation import SplitName, evaluate_checkpoint
from sweeps.cli.checkpoint.tables import checkpoint_table, evaluation_tables
from sweeps.cli.output import Form, messages, show

app = typer.Typer(no_args_is_help=True, help="Import published checkpoints, and evaluate checkpoints.")

Standardise = Literal["never", "auto", "always"]
DataName = Annotated[str, typer.Option("--data", metavar="NAME", help="A data set of the store.")]
Remove = Annotated[
    list[str] | None,
    typer.Option(
        "--remove",
        metavar="t,a,v",
        help="Modalities to set to zero; 'none' for none; repeat for several subsets. Default: every subset.",
    ),
]
Split = Annotated[SplitName, typer.Option("--split", help="valid, or test where you mean it.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", help=f"Folder of data sets. Default: ${ROOT_VARIABLE}, else ./causalmer_data."
    ),
]


@app.command("import")
def import_checkpoint(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="What torch.save wrote: a whole module or a state dict. Not run."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the checkpoint goes.")],
    fusion: Annotated[
        FusionName | None, typer.Option("--fusion", help="Default: the file's, else mask.")
    ] = None,
    num_heads: Annotated[
        int | None, typer.Option("--num-heads", min=1, help="MulT's heads. Default: the file's, else 10.")
    ] = None,
    attn_mask: Annotated[
        bool | None,
        typer.Option("--attn-mask/--no-attn-mask", help="MulT's mask. Default: the file's, else masked."),
    ] = None,
    albert_layers: Annotated[
        int | None,
        typer.Option(
            "--albert-layers",
            min=1,
            help="How often ALBERT repeats its layer. Default: the file's, else 12.",
        ),
    ] = None,
    albert_heads: Annotated[
        int | None,
        typer.Option(
            "--albert-heads", min=1, help="ALBERT's heads. Default: the file's, else hidden size / 64."
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Names of the emotions or classes, in the order of the outputs."),
    ] = None,
    standardise: Annotated[
        Standardise, typer.Option("--standardise", help="Scaling of features; published: never.")
    ] = "never",
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint in DIR.")] = False,
    form: Form = None,
) -> None:
    """Read a published checkpoint without running anything in it, and write it as one of ours."""
    given = Given(
        fusion=fusion,
        num_heads=num_heads,
        attn_mask=attn_mask,
        albert_layers=albert_layers,
        albert_heads=albert_heads,
        labels=None if labels is None else tuple(part.strip() for part in labels.split(",")),
        standardise=standardise,
    )
    found = import_published(file, out, given, force=force)
    show(checkpoint_table(found), form)
    messages(form).print(Text(f"written to {out}"))


@app.command("evaluate")
def evaluate_file(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="DIR", help="An imported checkpoint's folder, or a weights file.")
    ],
    data: DataName,
    remove: Remove = None,
    split: Split = "valid",
    data_root: DataRoot = None,
    form: Form = None,
) -> None:
    """Evaluate a checkpoint with modalities removed: TIE, TE, factual, the backbone and each branch alone."""
    show_evaluation(checkpoint, data, remove=remove, split=split, data_root=data_root, form=form)


def show_evaluation(
    checkpoint: Path,
    data: str,
    *,
    remove: list[str] | None,
    split: SplitName,
    data_root: Path | None,
    form: list[bool] | None,
) -> None:
    """Evaluate a checkpoint and print its tables; a first line says which split it is."""
    removed = list(subsets()) if not remove else [removed_subset(text) for text in remove]
    if split == "test":
        messages(form).print(
            Text("this is the TEST split: what you choose by it can no longer be judged by it")
        )
    found = evaluate_checkpoint(
        checkpoint, data, data_root=data_root or default_root(), removed=removed, split=split
    )
    show(evaluation_tables(found, data, split), form)


def removed_subset(text: str) -> frozenset[Modality]:
    """The modalities that `--remove` names: `none`, or letters or names with commas between.

    Raises:
        UserError: one of them is no modality.
    """
    if text.strip().lower() in ("none", ""):
        return frozenset()
    known = {name: m for m in MODALITIES for name in (m.letter, m.value)}
    parts = [part.strip().lower() for part in text.split(",")]
    for part in parts:
        if part not in known:
            raise UserError(
                f"--remove {text!r}: {part!r} is no modality; allowed: none, or t, a and v with commas between"
            )
    return frozenset(known[part] for part in parts)
