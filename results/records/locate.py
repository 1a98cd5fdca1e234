"""Finding a sweep in a `storage`: a folder, or an address on an object store."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_bytes
from causalmer_core.basics.validation import checked_name
from results.records.layout import SweepLayout
from results.records.manifest import new_sweep_id, parse_manifest
from results.storage.object_store import ObjectStore
from results.storage.object_uri import ObjectUri, is_uri, parse_uri
from results.storage.objects import WAITS, Objects

SCRATCH_VARIABLE = "CAUSALMER_SCRATCH"
"""The environment variable that names the folder of working copies. Nodes may share one folder or have their own."""

_PROBE = ".probe"


def sweep_layout(storage: str, name: str) -> SweepLayout:
    """The layout of the sweep `name` in a storage. The sweep need not exist.

    Raises:
        UserError: the storage is an address that cannot be used.
        StoreError: the object store does not answer.
    """
    return layout_at(str(parse_uri(storage) / name) if is_uri(storage) else str(Path(storage) / name))


def layout_at(place: str) -> SweepLayout:
    """The layout of the sweep in a folder, or at an address on an object store.

    The working copy of a sweep on an object store may be deleted whenever no process uses it.

    Raises:
        UserError: the address cannot be used, or the scratch folder belongs to another user.
        StoreError: the object store does not answer.
    """
    if not is_uri(place):
        return SweepLayout(Path(place))
    uri = parse_uri(place)
    name = checked_name(uri.name, "sweep")
    objects = Objects(uri)
    content = objects.get("manifest.json")
    known = None if content is None else parse_manifest(content, str(uri))
    sweep_id = new_sweep_id(name) if known is None else checked_name(known.sweep_id, "sweep")
    # The sweep_id is in the path: an earlier sweep at the same address has another working copy.
    root = scratch_folder() / sweep_id / name
    layout = SweepLayout(root, ObjectStore(Objects(uri, WAITS), root, sweep_id))
    if content is not None:
        layout.run_journals.mkdir(parents=True, exist_ok=True)
        write_bytes(layout.manifest, content)
    return layout


def scratch_folder() -> Path:
    """The folder of working copies: `CAUSALMER_SCRATCH`, else this user's folder below the system's temporary files.

    Raises:
        UserError: the folder below the temporary files belongs to another user.
        OSError: the folder cannot be made.
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
        StoreError: the object store does not answer.
    """
    objects = Objects(storage)
    return [name for name in objects.folders() if objects.size(f"{name}/manifest.json")]


def sweeps_beside(layout: SweepLayout) -> list[SweepLayout]:
    """The other sweeps of a sweep's storage, ordered by name. In a folder every other entry is included, unchecked.

    Raises:
        StoreError: the object store does not answer.
    """
    if is_uri(layout.place):
        uri = parse_uri(layout.place)
        return [layout_at(str(uri.parent / name)) for name in sweeps_at(uri.parent) if name != uri.name]
    folders = sorted(layout.root.parent.iterdir())
    return [SweepLayout(folder) for folder in folders if folder != layout.root]


def check_writable(storage: str) -> None:
    """Check that a storage is writable, by writing a file and removing it again.

    Raises:
        UserError: the storage cannot be written. The message says why, and what is allowed.
        StoreError: the object store does not answer or refuses.
    """
    if is_uri(storage):
        objects, name = Objects(parse_uri(storage)), f"{_PROBE}-{secrets.token_hex(8)}"
        objects.put(name, b"causalmer checks that it may write here\n")
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
