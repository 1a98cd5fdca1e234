"""The versions of a data set: one unchanging folder each, and a file that names the current one.

    <root>/<name>/current.json                      {"fingerprint": "<64 digits>", "sha256": ...}
    <root>/<name>/<16 digits>/manifest.json, ...    a version, under the first digits of its fingerprint
    <root>/<name>/manifest.json, ...                a data set of an earlier program: one more version

If there is one version only, it is the current one even without `current.json`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from causalmer_core.basics.digests import DamagedFileError, digested, is_newer, newer_format, open_digested
from causalmer_core.basics.files import fsync_folder, write_text
from causalmer_core.datasets.manifest import NEWEST_FORMAT, VERSION_DIGITS, DatasetManifest
from causalmer_core.datasets.storing.checksums import has_checksum
from causalmer_core.datasets.storing.publish import move_into_place

MANIFEST = "manifest.json"
CURRENT = "current.json"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of a data set: its folder and its manifest."""

    folder: Path
    manifest: DatasetManifest


def how_to_restore(name: str) -> str:
    """What a user can do about a missing or damaged version of a data set."""
    return (
        f"make the same data again: 'causalmer data import FILE --name {name} --force', or 'causalmer data synth "
        f"--name {name} --force' with the same options; a sweep with 'data.synthetic' does it when it is run again"
    )


def version_folders(home: Path) -> list[Path]:
    """The folders of all versions in the folder of a data set. It is one itself if an earlier program wrote it."""
    digits = "[0-9a-f]" * VERSION_DIGITS
    inside = sorted(manifest.parent for manifest in home.glob(f"{digits}/{MANIFEST}"))
    return [*inside, *([home] if (home / MANIFEST).is_file() else [])]


def version_fingerprints(home: Path) -> dict[str, Path]:
    """The folder of each version of a data set, by its fingerprint. A damaged manifest hides all but the first digits.

    Raises:
        UserError: a newer program wrote a manifest.
    """
    found: dict[str, Path] = {}
    for folder in version_folders(home):
        try:
            key = read_version(home, folder).manifest.fingerprint
        except DamagedFileError:
            key = "unreadable" if folder == home else folder.name
        found.setdefault(key, folder)
    return found


def current_fingerprint(home: Path) -> str | None:
    """The fingerprint of the current version; None if the data set has no version.

    Raises:
        DamagedFileError: `current.json` is damaged, or missing although there are several versions; or the manifest of
            the only version is damaged.
        UserError: a newer program wrote the manifest of the only version.
    """
    path, remedy = home / CURRENT, how_to_restore(home.name)
    if path.exists():
        found = open_digested(_content(path, remedy), path, remedy=remedy).get("fingerprint")
        if not isinstance(found, str):
            raise DamagedFileError(path, "it names no version", remedy)
        return found
    folders = version_folders(home)
    if len(folders) > 1:
        raise DamagedFileError(path, "it is missing, and there are several versions", remedy)
    return read_version(home, folders[0]).manifest.fingerprint if folders else None


def find_version(home: Path, fingerprint: str) -> StoredVersion | None:
    """The version of a data set with this fingerprint; None if there is none.

    Raises:
        DamagedFileError: its manifest is missing or damaged.
        UserError: a newer program wrote its manifest.
    """
    folder = home / fingerprint[:VERSION_DIGITS]
    if not fingerprint or not folder.is_dir():
        folder = home
        if not (home / MANIFEST).is_file():
            return None
    found = read_version(home, folder)
    return found if found.manifest.fingerprint == fingerprint else None


def read_version(home: Path, folder: Path) -> StoredVersion:
    """The version in a folder of a data set.

    Raises:
        DamagedFileError: its manifest is missing, damaged, or that of another version.
        UserError: a newer program wrote its manifest.
    """
    path, remedy = folder / MANIFEST, how_to_restore(home.name)
    content = _content(path, remedy)
    tree = open_digested(content, path, remedy=remedy, may_lack=lambda tree: tree.get("format_version") == 1)
    version = tree.get("format_version")
    if is_newer(version, NEWEST_FORMAT):
        raise newer_format(path, "data set format", version, NEWEST_FORMAT)
    try:
        manifest = DatasetManifest.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "manifest"
        raise DamagedFileError(path, f"it is no manifest ({where}: {first['msg']})", remedy) from error
    if folder != home and not manifest.fingerprint.startswith(folder.name):
        other = manifest.fingerprint[:VERSION_DIGITS]
        raise DamagedFileError(path, f"it is the manifest of another version, {other}", remedy)
    return StoredVersion(folder, manifest)


def write_manifest(folder: Path, manifest: DatasetManifest) -> None:
    """Write the manifest of a version, with its digest.

    Raises:
        OSError: writing failed.
    """
    write_text(folder / MANIFEST, digested(manifest.model_dump(mode="json")))


def put_version(home: Path, written: StoredVersion, *, make_current: bool) -> StoredVersion:
    """Move a written folder to its place among the versions of a data set.

    A version that is there already keeps its manifest and its intact files; damaged ones are replaced. So the arrays of
    a version never change, and a running sweep is not disturbed.

    Args:
        home: the folder of the data set.
        written: the written folder.
        make_current: make it the current version. If there is no current version it becomes that in any case.

    Returns:
        The version in its place.

    Raises:
        OSError: writing or renaming failed.
        UserError: a newer program wrote this version's manifest.
    """
    fingerprint = written.manifest.fingerprint
    target = home / fingerprint[:VERSION_DIGITS]
    before = _current_or_damage(home)
    if before is not None and not (home / CURRENT).exists():
        # A second version makes the first one's name necessary, also if this process is killed in between.
        _write_current(home, before)
    if target.exists():
        _mend(home, target, written)
    else:
        move_into_place(written.folder, target)
    if make_current or before is None:
        _write_current(home, fingerprint)
    return read_version(home, target)


def _current_or_damage(home: Path) -> str | None:
    """The fingerprint of the current version; None if there is none, or damage hides which one it is."""
    try:
        return current_fingerprint(home)
    except DamagedFileError:
        return None


def _write_current(home: Path, fingerprint: str) -> None:
    write_text(home / CURRENT, digested({"fingerprint": fingerprint}))


def _mend(home: Path, target: Path, written: StoredVersion) -> None:
    """Replace the damaged files of a version, each by one renaming, and the manifest last."""
    keeps_manifest = False
    with suppress(DamagedFileError):
        keeps_manifest = read_version(home, target).manifest.files == written.manifest.files
    for name, expected in written.manifest.files.items():
        if not has_checksum(target / name, expected):
            (written.folder / name).replace(target / name)
    if not keeps_manifest:
        (written.folder / MANIFEST).replace(target / MANIFEST)
    fsync_folder(target)


def _content(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DamagedFileError(path, "it is missing", remedy) from error
    except OSError as error:
        raise DamagedFileError(path, f"it cannot be read ({error.strerror or error})", remedy) from error
