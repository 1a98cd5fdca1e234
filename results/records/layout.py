"""The layout of a sweep's folder. Every path of a sweep is named here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from results.records.schemas import RunKey
from results.storage.locks import is_locked
from results.storage.sweep_store import FolderStore, SweepStore

TABLES = ("epochs", "runs", "evaluations")


@dataclass(frozen=True, slots=True)
class SweepLayout:
    """The folder of one sweep, `<storage>/<sweep name>/`.

    Attributes:
        root: the folder. For a sweep on an object store it is the working copy.
        store: copies files to and from the object store. For a folder it does nothing.
    """

    root: Path
    store: SweepStore = field(default=FolderStore(), compare=False)

    @property
    def place(self) -> str:
        """The folder, or the address on an object store, as a user writes it."""
        return self.store.shown(self.root)

    @property
    def is_driven(self) -> bool:
        """Whether a living process drives the sweep. On an object store it may be on another machine."""
        return is_locked(self.lock) or self.store.is_reserved()

    @property
    def manifest(self) -> Path:
        """Identity, columns and provenance of the sweep, JSON."""
        return self.root / "manifest.json"

    @property
    def spec(self) -> Path:
        """The sweep's YAML file as it was when the sweep began."""
        return self.root / "sweep.yaml"

    @property
    def proposals(self) -> Path:
        """The search's journal of proposed configurations, in the order of their numbers."""
        return self.journals / "proposals.jsonl"

    @property
    def run_journals(self) -> Path:
        """The folder of the runs' journals, one file per attempt."""
        return self.journals / "runs"

    @property
    def shares(self) -> Path:
        """The journal of GPU shares: the measured memory, and the trials whose share was raised."""
        return self.journals / "shares.jsonl"

    @property
    def journals(self) -> Path:
        """The folder of all journals."""
        return self.root / "journals"

    @property
    def seals(self) -> Path:
        """The journal of seals: which journals there are, and how long they are (see `results.records.seals`)."""
        return self.journals / "seals.jsonl"

    @property
    def evaluation_journal(self) -> Path:
        """The journal of final evaluations and the ledger of openings of the test split."""
        return self.journals / "evaluations.jsonl"

    @property
    def debiasing_journal(self) -> Path:
        """The journal of constants and weights chosen after training, on validation alone."""
        return self.journals / "debiasing.jsonl"

    def run_journal(self, key: RunKey, attempt: int) -> Path:
        """The journal of one attempt at a run."""
        return self.run_journals / f"{key.stem}-a{attempt}.jsonl"

    def checkpoints(self, key: RunKey) -> Path:
        """The folder of a run's checkpoints."""
        return self.root / "checkpoints" / key.stem

    def best_weights(self, key: RunKey) -> Path:
        """The weights of a run's best epoch."""
        return self.checkpoints(key) / "best.safetensors"

    def damaged_weights(self, key: RunKey) -> Path:
        """A weights file that was found damaged or from elsewhere, beside the new one."""
        return self.checkpoints(key) / "best.safetensors.damaged"

    def last_checkpoint(self, key: RunKey) -> Path:
        """The checkpoint from which an unfinished run resumes."""
        return self.checkpoints(key) / "last.safetensors"

    def table(self, name: str) -> Path:
        """The Parquet folder of one of the tables."""
        return self.root / name

    @property
    def table_checksums(self) -> Path:
        """The checksums of the tables' files, and the state of the journals that they were built from, JSON."""
        return self.root / ".tables.json"

    @property
    def predictions(self) -> Path:
        """The Parquet folder of predictions on the test split, one file per run of a contender."""
        return self.root / "predictions"

    def prediction_file(self, contender: str, key: RunKey) -> Path:
        """The predictions of one run."""
        return self.predictions / f"{contender}-{key.stem}.parquet"

    @property
    def selection(self) -> Path:
        """The selected configuration and the reasons, JSON."""
        return self.root / "selection.json"

    @property
    def report(self) -> Path:
        """The report, one HTML page."""
        return self.root / "report.html"

    @property
    def log(self) -> Path:
        """The sweep's log of progress."""
        return self.root / "sweep.log"

    @property
    def lock(self) -> Path:
        """The lock that one driver of the sweep holds."""
        return self.root / ".lock"

    @property
    def compaction_lock(self) -> Path:
        """The lock that the process writing the tables holds."""
        return self.root / ".compaction.lock"

    @property
    def study(self) -> Path:
        """The search in Optuna's format, for its dashboard. It is made from the records and safe to delete."""
        return self.root / "optuna.log"

    @property
    def tracking(self) -> Path:
        """The files of trackers: TensorBoard's event files, W&B's offline runs. They are not part of the record."""
        return self.root / "tracking"

    @property
    def ray(self) -> Path:
        """Ray's own files. They are not part of the record and safe to delete."""
        return self.root / "ray"
