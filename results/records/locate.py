"""From what a user gives as `storage`, a folder or an address on an object store, to the sweep in it."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from causalmer_core.basics.validation import checked_name
from results.records.layout import SweepLayout
from results.records.manifest import new_sweep_id, parse_manifest
from results.storage.object_store import ObjectStore
from results.storage.object_uri import ObjectUri, is_uri, parse_uri
from results.storage.objects import WAITS, Objects

SCRATCH_VARIABLE = "CAUSALMER_SCRATCH"
"""Names the folder of working copies; the same on every node, or each its own."""

_PROBE = ".probe"


def sweep_layout(storage: str, name: str) -> SweepLayout:
    """Where the sweep `name` in a storage lies, whether it has begun or not.

    Raises:
        UserError: the storage is an address that cannot be used.
        StoreError: the object store cannot be asked.
    """
    return layout_at(str(parse_uri(storage) / name) if is_uri(storage) else str(Path(storage) / name))


def layout_at(place: str) -> SweepLayout:
    """The sweep in a folder, or at an address on an object store.

    A working copy is named after the identity of the sweep, so that one of an earlier sweep at the same address is
    never taken for it. It may be removed whenever no process works with it.

    Raises:
        UserError: the address cannot be used, or the scratch folder is not ours.
        StoreError: the object store cannot be asked.
    """
    if not is_uri(place):
        return SweepLayout(Path(place))
    uri = parse_uri(place)
    name = checked_name(uri.name, "sweep")
    objects = Objects(uri)
    text = objects.get("manifest.json")
    if text is None:
        sweep_id = new_sweep_id(name)
    else:
        sweep_id = checked_name(parse_manifest(text.decode(), str(uri)).sweep_id, "sweep")
    root = scratch_folder() / sweep_id / name
    layout = SweepLayout(root, ObjectStore(Objects(uri, WAITS), root, sweep_id))
    if text is not None:
        layout.run_journals.mkdir(parents=True, exist_ok=True)
        write_text(layout.manifest, text.decode())
    return layout


def scratch_folder() -> Path:
    """The folder of working copies: what CAUSALMER_SCRATCH names, else one of this user's below the system's temporary
    files.

    Raises:
        UserError: it belongs to another user.
    """
    given = os.environ.get(SCRATCH_VARIABLE)
    folder = Path(given) if given else Path(tempfile.gettempdir()) / f"causalmer-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat(follow_symlinks=False)
    if not given and (found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode)):
        raise UserError(f"{folder} is not a folder of yours; name another one with {SCRATCH_VARIABLE}")
    return folder.resolve()


def sweeps_at(storage: ObjectUri) -> list[str]:
    """The names of the sweeps directly below an address, sorted.

    Raises:
        StoreError: the object store cannot be asked.
    """
    objects = Objects(storage)
    return [name for name in objects.folders() if objects.size(f"{name}/manifest.json")]


def sweeps_beside(layout: SweepLayout) -> list[SweepLayout]:
    """The other sweeps of a sweep's storage, ordered by name; in a folder, whatever else lies there, too.

    Raises:
        StoreError: the object store cannot be asked.
    """
    if is_uri(layout.place):
        uri = parse_uri(layout.place)
        return [layout_at(str(uri.parent / name)) for name in sweeps_at(uri.parent) if name != uri.name]
    folders = sorted(layout.root.parent.iterdir())
    return [SweepLayout(folder) for folder in folders if folder != layout.root]


def check_writable(storage: str) -> None:
    """Write a file into a storage, and remove it again.

    Raises:
        UserError: it cannot be written; the message says what, why, and what is allowed.
    """
    if is_uri(storage):
        objects, name = Objects(parse_uri(storage)), f"{_PROBE}-{secrets.token_hex(8)}"
        objects.put(name, b"causalmer looks whether it may write here\n")
        objects.delete(name)
        return
    try:
        Path(storage).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=storage):
            pass
    except OSError as error:
        raise UserError(
            f"cannot write to {storage} ({error.strerror or error}); allowed: a folder of yours; "
            "set 'storage' in the sweep's file or give --storage"
        ) from error
