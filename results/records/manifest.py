"""The manifest of a sweep: its identity, the columns of its tables, and its provenance.

Beside it lies the sweep's own copy of its YAML file. Both have digests (see `causalmer_core.basics.digests`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from causalmer_core.basics.digests import (
    DamagedFileError,
    digested,
    digested_text,
    is_newer,
    newer_format,
    open_digested,
    open_digested_text,
)
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import fsync_folder, write_bytes, write_text
from causalmer_core.basics.validation import Frozen
from causalmer_core.measures.metrics import Direction
from results.records.confirmation_rules import AllRule, ConfirmationRule, HalvingRule, RaceRule
from results.records.layout import SweepLayout
from results.records.objectives import Objectives
from results.records.provenance import git_state, installed_versions, recorded_environment
from results.storage.journal import append_rows, encode_line, now

ParameterType = Literal["float", "int", "string", "bool"]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""A seed: the tables hold it in an int64 column."""

ARROW_TYPES: dict[ParameterType, pa.DataType] = {
    "float": pa.float64(),
    "int": pa.int64(),
    "string": pa.string(),
    "bool": pa.bool_(),
}


MANIFEST_VERSION: Literal[2] = 2

SPEC_REMEDY = "give the sweep's YAML file to 'causalmer resume', which writes this copy again"
"""What a user can do about a damaged copy of the sweep's YAML file."""

_REMEDY = "'causalmer resume' restores it from the copy in journals/seals.jsonl"


class SweepManifest(Frozen):
    """The facts about a whole sweep, written once when it begins."""

    manifest_version: Literal[1, 2] = MANIFEST_VERSION
    """Since version 2 the sweep's files have digests, and its journals have seals."""
    sweep_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}-[0-9a-f]{16}$")
    """The name and 16 random hexadecimal digits, which distinguish two sweeps of the same name."""
    name: str
    created: str
    """UTC, ISO 8601 with microseconds."""
    objectives: Objectives
    """The monitored metric, further objectives, and constraints; on disk `monitor`, `direction` and `goals`."""
    metrics: tuple[str, ...] = Field(min_length=1)
    """The metrics' names, without `valid_`: `valid_<metric>` in epochs and runs, `<metric>` in
    evaluations.
    """
    parameters: dict[str, ParameterType]
    """The searched parameters by dotted path, each a typed column of the runs table."""
    search_seeds: tuple[Seed, ...]
    confirm_seeds: tuple[Seed, ...]
    """Fresh seeds for the best configurations of the search, in the order in which they are added."""
    evaluate_seeds: tuple[Seed, ...] = ()
    """Seeds that no selection uses. The selected configuration and its contenders run on them, and these runs are
    evaluated on the test split. Empty in sweeps of older versions.
    """
    search_ranks: bool = False
    """Whether the scores on the search seeds count in the ranking, beside those on the confirm seeds."""
    confirmation: ConfirmationRule = AllRule()
    """The rule that eliminates configurations during the confirmation."""
    selection_rule: str = "best_mean"
    """The name of the rule that selects (see `results.ranking.selection`)."""
    paper: dict[str, Any] | None = None
    """The configuration of the contender "paper". None in sweeps of older versions."""
    dataset: str
    dataset_fingerprint: str
    versions: dict[str, str] = Field(default_factory=dict)
    git_commit: str | None = None
    """The commit of this package's source, where it runs from a git checkout."""
    git_dirty: bool | None = None
    spec_sha256: tuple[str, ...] = ()
    """The SHA-256 of the sweep's YAML text as in `sweep.yaml`; two while a growth of the sweep is written. Empty in
    sweeps of older versions.
    """
    environment: dict[str, str] = Field(default_factory=dict)
    """The environment variables that a number may depend on (see `results.records.provenance`), and no others."""

    @model_serializer(mode="wrap")
    def _to_disk(self, serialised: SerializerFunctionWrapHandler) -> dict[str, Any]:
        tree: dict[str, Any] = serialised(self)
        del tree["objectives"]
        return {**tree, **self.objectives.on_disk()}

    @model_validator(mode="after")
    def _consistent(self) -> SweepManifest:
        self.objectives.check(self.metrics)
        kinds = {"search": self.search_seeds, "confirm": self.confirm_seeds, "evaluate": self.evaluate_seeds}
        for kind, seeds in kinds.items():
            if len(set(seeds)) != len(seeds):
                raise ValueError(f"{kind} seeds repeat: {seeds}")
        if seen := set(self.evaluate_seeds) & {*self.search_seeds, *self.confirm_seeds}:
            raise ValueError(f"evaluate seeds that a selection uses: {sorted(seen)}")
        if not self.ranking_seeds:
            raise ValueError("a sweep needs at least one search seed or confirm seed")
        if self.sweep_id[:-17] != self.name:
            raise ValueError(f"sweep_id {self.sweep_id!r} does not begin with the name {self.name!r}")
        return self

    @property
    def is_sealed(self) -> bool:
        """Whether the sweep's files have digests and its journals have seals. Older versions wrote neither."""
        return self.manifest_version >= 2

    @property
    def monitor(self) -> str:
        """The metric that ranks, one of `metrics`, computed on the validation split."""
        return self.objectives.metric

    @property
    def direction(self) -> Direction:
        """Whether a higher (`max`) or a lower (`min`) value of the monitored metric is better."""
        return self.objectives.direction

    @property
    def ranking_seeds(self) -> tuple[int, ...]:
        """All seeds that the ranking may average over.

        They are the counted search seeds and the confirm seeds; without any of these, all search seeds.
        """
        return (*self.counted_search_seeds, *self.confirm_seeds) or self.search_seeds

    @property
    def counted_search_seeds(self) -> tuple[int, ...]:
        """The search seeds if they count in the ranking, else none."""
        return self.search_seeds if self.search_ranks else ()

    @property
    def test_seeds(self) -> tuple[int, ...]:
        """The seeds of the runs that are evaluated on the test split."""
        return self.evaluate_seeds or self.ranking_seeds

    @property
    def valid_metrics(self) -> dict[str, pa.DataType]:
        """The metric columns of the epochs and runs tables."""
        whole = {f"valid_{name}": pa.float64() for name in self.metrics}
        return {**whole, **self.objectives.worst_missing_columns}

    @property
    def test_metrics(self) -> dict[str, pa.DataType]:
        """The metric columns of the evaluations table."""
        return {name: pa.float64() for name in self.metrics}

    @property
    def parameter_columns(self) -> dict[str, pa.DataType]:
        """The parameter columns of the runs table."""
        return {path: ARROW_TYPES[kind] for path, kind in self.parameters.items()}


def new_sweep_id(name: str) -> str:
    """A fresh identity for a sweep."""
    return f"{name}-{secrets.token_hex(8)}"


def new_manifest(
    *,
    name: str,
    objectives: Objectives,
    metrics: Iterable[str],
    parameters: dict[str, ParameterType],
    search_seeds: Iterable[int],
    confirm_seeds: Iterable[int],
    dataset: str,
    dataset_fingerprint: str,
    evaluate_seeds: Iterable[int] = (),
    search_ranks: bool = False,
    confirmation: RaceRule | HalvingRule | AllRule = AllRule(),  # noqa: B008 - frozen
    selection_rule: str = "best_mean",
    paper: dict[str, Any] | None = None,
    sweep_id: str | None = None,
) -> SweepManifest:
    """The manifest of a sweep that begins now, with the versions of this installation.

    Args:
        sweep_id: the identity. None: a fresh one.
        name, objectives, metrics, parameters, search_seeds, confirm_seeds, dataset, dataset_fingerprint,
            evaluate_seeds, search_ranks, confirmation, selection_rule, paper: as the attributes of `SweepManifest`.

    Raises:
        pydantic.ValidationError: a value is not allowed (see `SweepManifest`).
    """
    commit, dirty = git_state()
    return SweepManifest(
        sweep_id=sweep_id or new_sweep_id(name),
        name=name,
        created=now(),
        objectives=objectives,
        metrics=tuple(metrics),
        parameters=parameters,
        search_seeds=tuple(search_seeds),
        confirm_seeds=tuple(confirm_seeds),
        evaluate_seeds=tuple(evaluate_seeds),
        search_ranks=search_ranks,
        confirmation=confirmation,
        selection_rule=selection_rule,
        paper=paper,
        dataset=dataset,
        dataset_fingerprint=dataset_fingerprint,
        versions=installed_versions(),
        git_commit=commit,
        git_dirty=dirty,
        environment=recorded_environment(),
    )


def create_sweep(layout: SweepLayout, manifest: SweepManifest, spec: str | None = None) -> None:
    """Make the sweep's folder with its manifest and its YAML text. The folder appears complete or not at all.

    Args:
        layout: the paths of the sweep.
        manifest: its manifest.
        spec: the text of its YAML file. None: no file is written.

    Raises:
        UserError: the folder exists or cannot be written.
        StoreError: the object store does not answer.
    """
    root = layout.root
    taken = UserError(
        f"{layout.place} exists already; give the sweep another name, continue it with 'causalmer "
        "resume', or move the folder away"
    )
    if root.exists() or layout.store.has(layout.manifest):
        raise taken
    aside = SweepLayout(root.with_name(f".{root.name}.{secrets.token_hex(4)}.tmp"))
    try:
        aside.run_journals.mkdir(parents=True)
        written = _write_manifest(aside, manifest, () if spec is None else (text_digest(spec),))
        if spec is not None:
            write_bytes(aside.spec, digested_text(spec))
        files = [path.name for path in (aside.manifest, aside.spec) if path.exists()]
        write_bytes(aside.seals, encode_line(first_seal(written, files)))
        # Renaming onto a folder that is not empty fails, so only one of two processes succeeds.
        aside.root.rename(root)
        fsync_folder(root.parent)
    except OSError as error:
        shutil.rmtree(aside.root, ignore_errors=True)
        if root.exists():
            raise taken from error
        raise UserError(
            f"cannot make the sweep's folder {root}: {error.strerror or error}; "
            "check 'storage' in the sweep's YAML"
        ) from error
    layout.store.push(layout.seals)
    if spec is not None:
        layout.store.push(layout.spec)
    layout.store.push(layout.manifest)  # last, because its presence means that the sweep has begun


def first_seal(manifest: SweepManifest, files: Iterable[str]) -> dict[str, Any]:
    """The first line of a sweep's journal of seals (see `results.records.seals`). It has a copy of the manifest.

    Args:
        manifest: the sweep.
        files: the names of the files that the sweep has from its beginning.
    """
    return {"kind": "begin", "sweep_id": manifest.sweep_id, "files": sorted(files), **manifest_copy(manifest)}


def manifest_copy(manifest: SweepManifest) -> dict[str, Any]:
    """Keys of a line of the journal of seals, from which a damaged manifest is restored."""
    return {"manifest": json.loads(manifest.model_dump_json()), "time": now()}


def rewrite_sweep(layout: SweepLayout, manifest: SweepManifest, spec: str) -> None:
    """Replace the manifest and the YAML text of a sweep that has grown.

    Raises:
        OSError: they cannot be written.
        StoreError: the object store does not answer.
    """
    # The manifest is written first: after a kill in between, the next start finds the growth again.
    digest = text_digest(spec)
    _write_manifest(layout, manifest, (digest, *manifest.spec_sha256))
    layout.store.push(layout.manifest)
    write_bytes(layout.spec, digested_text(spec))
    layout.store.push(layout.spec)
    written = _write_manifest(layout, manifest, (digest,))
    layout.store.push(layout.manifest)
    if layout.seals.exists():
        append_rows(layout.seals, [{"kind": "manifest", **manifest_copy(written)}])


def text_digest(spec: str) -> str:
    """The SHA-256 of a sweep's YAML text."""
    return hashlib.sha256(spec.encode()).hexdigest()


def _write_manifest(layout: SweepLayout, manifest: SweepManifest, digests: tuple[str, ...]) -> SweepManifest:
    whole = manifest.model_copy(update={"spec_sha256": digests})
    write_text(layout.manifest, digested(json.loads(whole.model_dump_json())))
    return whole


def read_spec_text(layout: SweepLayout) -> str | None:
    """The sweep's own copy of its YAML file. None if the sweep was begun without one.

    Raises:
        DamagedFileError: the copy is damaged or missing.
        UserError: the folder is no sweep.
    """
    path, known = layout.spec, read_sweep_manifest(layout).spec_sha256
    try:
        text = open_digested_text(path.read_bytes(), path, remedy=SPEC_REMEDY)
    except FileNotFoundError as error:
        if not known:
            return None
        raise DamagedFileError(path, "it is missing", SPEC_REMEDY) from error
    except OSError as error:
        raise DamagedFileError(path, f"it cannot be read ({error.strerror or error})", SPEC_REMEDY) from error
    if known and text_digest(text) not in known:
        raise DamagedFileError(path, "it is not the file of this sweep", SPEC_REMEDY)
    return text


def read_sweep_manifest(layout: SweepLayout) -> SweepManifest:
    """The manifest of a sweep.

    Raises:
        UserError: there is none, or this version cannot read it.
    """
    try:
        content = layout.manifest.read_bytes()
    except OSError as error:
        raise UserError(
            f"{layout.place} is no sweep: cannot read {layout.manifest} ({error.strerror})"
        ) from error
    return parse_manifest(content, str(layout.manifest))


def parse_manifest(content: bytes, where: str) -> SweepManifest:
    """The manifest in a file's bytes.

    Args:
        content: the JSON text.
        where: the file or address of the text, for the message.

    Raises:
        DamagedFileError: the text is not what was written.
        UserError: this version cannot read the text.
    """
    tree = open_digested(
        content, where, remedy=_REMEDY, may_lack=lambda tree: tree.get("manifest_version") == 1
    )
    if is_newer(found := tree.get("manifest_version"), MANIFEST_VERSION):
        raise newer_format(where, "manifest version", found, MANIFEST_VERSION)
    try:
        objectives = Objectives.from_disk(tree)
        others = {key: value for key, value in tree.items() if key not in ("monitor", "direction", "goals")}
        # Validated as JSON text, because only there strict validation accepts lists for tuples.
        return SweepManifest.model_validate_json(json.dumps({**others, "objectives": objectives}))
    except (ValueError, AttributeError, TypeError) as error:  # pydantic's and JSON's errors are ValueErrors
        raise UserError(f"{where} is not a manifest that this version reads: {error}") from error
