"""An account of acknowledged rows that does not go through the records: for tests of what kills lose.

A folder that is put on PYTHONPATH makes every Python process of a sweep, Ray's workers among them, append a line to a
file of its own after each epoch that `RunJournal.epoch` acknowledged, before anything else happens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HOOK = '''
import importlib.util, json, os, sys

LOG = {log!r}

class Finder:
    """Lets the sweep's own import happen, then wraps the method."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "results.records.run_journal":
            return None
        sys.meta_path.remove(Finder)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            watch(module.RunJournal)

        spec.loader.exec_module = exec_module
        return spec

def watch(journal):
    acknowledge = journal.epoch

    def epoch(self, row):
        acknowledge(self, row)
        seen = {{"stem": self.key.stem, "attempt": self.attempt, "row": dict(row)}}
        log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(log, (json.dumps(seen) + chr(10)).encode())
        os.close(log)

    journal.epoch = epoch

sys.meta_path.insert(0, Finder)
'''


def install(folder: Path, log: Path) -> Path:
    """The folder for PYTHONPATH."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HOOK.format(log=str(log)), encoding="utf-8")
    return folder


def acknowledged(log: Path) -> list[dict[str, Any]]:
    """The rows that were acknowledged, with the run and the attempt of each, in order."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
