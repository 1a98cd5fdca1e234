"""`causalmer data`: import a file of the field, draw a synthetic data set, look at one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.datasets.manifest import VERSION_DIGITS
from causalmer_core.datasets.store import (
    dataset_versions,
    default_root,
    open_training_data,
    read_dataset_manifest,
    verify_dataset,
    write_dataset,
)
from causalmer_core.datasets.synthetic import SyntheticConfig, make_synthetic
from sweeps.cli.data.importing import import_data
from sweeps.cli.data.tables import manifest_tables, overview_tables, versions_table
from sweeps.cli.options import Force, Name, Root
from sweeps.cli.output import Form, messages, show

app = typer.Typer(no_args_is_help=True, help="Import, draw and look at data sets.")

app.command("import")(import_data)


@app.command()
def synth(
    name: Name,
    seed: Annotated[int, typer.Option(help="Seed of all draws.")] = 0,
    train: Annotated[int, typer.Option(help="Training samples.")] = 1200,
    valid: Annotated[int, typer.Option(help="Validation samples.")] = 400,
    test: Annotated[int, typer.Option(help="Test samples.")] = 800,
    emotions: Annotated[int, typer.Option(help="Binary emotions a sample.")] = 1,
    time: Annotated[int, typer.Option(help="Steps of each modality.")] = 8,
    widths: Annotated[str, typer.Option(help="Features a step: text,audio,vision.")] = "16,12,16",
    signals: Annotated[
        str, typer.Option(help="Strength of causal evidence: text,audio,vision.")
    ] = "0.9,0.7,0.7",
    shortcuts: Annotated[
        str, typer.Option(help="Training shortcut in [0, 1]: text,audio,vision.")
    ] = "0.5,0.5,0.9",
    cue_scale: Annotated[float, typer.Option(help="How large the shortcut's cue is written.")] = 2.0,
    noise: Annotated[float, typer.Option(help="Noise of each feature and step.")] = 1.0,
    root: Root = None,
    force: Force = False,
    form: Form = None,
) -> None:
    """Draw a data set whose shortcuts hold in training and break in validation and test."""
    values = {
        "seed": seed,
        "train": train,
        "valid": valid,
        "test": test,
        "emotions": emotions,
        "time": time,
        "widths": _by_modality("--widths", widths, int),
        "signals": _by_modality("--signals", signals, float),
        "shortcuts": _by_modality("--shortcuts", shortcuts, float),
        "cue_scale": cue_scale,
        "noise": noise,
    }
    try:
        config = SyntheticConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "parameters"
        raise UserError(f"synthetic data: {where}: {first['msg']}; given {first['input']!r:.60}") from error
    data = make_synthetic(config)
    manifest = write_dataset(
        root or default_root(),
        name,
        task=data.task,
        splits=data.splits,
        synthetic=config.model_dump(mode="json"),
        force=force,
    )
    show(manifest_tables(manifest, root or default_root()), form)


@app.command()
def info(
    name: Annotated[str | None, typer.Argument(help="A data set; none lists them all.")] = None,
    root: Root = None,
    version: Annotated[
        str | None,
        typer.Option(metavar="DIGITS", help="A version, by the first digits of its name. Default: current."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all arrays and check the fingerprint.")
    ] = False,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe/--no-probe", help="Lengths and a linear probe of each modality, or shapes alone."
        ),
    ] = True,
    form: Form = None,
) -> None:
    """Show a data set: versions, labels, lengths, padding, scales, and how far linear maps of each modality get."""
    folder = root or default_root()
    if name is None:
        show(versions_table(folder), form)
        return
    wanted = None if version is None else _fingerprint_of(folder, name, version)
    tables = manifest_tables(read_dataset_manifest(folder, name, wanted), folder)
    if probe:
        tables += overview_tables(open_training_data(folder, name, wanted))
    show(tables, form)
    if verify:
        verify_dataset(folder, name, wanted)
        messages(form).print("verified: the arrays have this fingerprint")


def _fingerprint_of(root: Path, name: str, version: str) -> str:
    """The fingerprint of the version whose name begins with these digits."""
    versions = dataset_versions(root, name)
    found = [fingerprint for fingerprint in versions if fingerprint.startswith(version)]
    if len(found) != 1:
        raise UserError(
            f"--version {version}: {len(found)} versions of data set {name!r} in {root} begin so; "
            f"there: {', '.join(key[:VERSION_DIGITS] for key in versions) or 'none'}"
        )
    return found[0]


def _by_modality(option: str, text: str, number: type[int] | type[float]) -> dict[str, Any]:
    parts = text.split(",")
    try:
        values = [number(part) for part in parts]
    except ValueError as error:
        raise UserError(f"{option}: {error}; give three numbers for text,audio,vision") from error
    if len(values) != len(MODALITIES):
        raise UserError(f"{option}: {len(values)} numbers in {text!r}; give three, for text,audio,vision")
    return {m.value: value for m, value in zip(MODALITIES, values, strict=True)}
