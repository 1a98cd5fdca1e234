"""Both kinds of stores keep the same promises; the object store on a real server that speaks S3."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from object_server import BUCKET, CREDENTIALS, ObjectServer, object_server

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.faults import is_machine_fault
from results.records.dataset import find_sweep, open_sweep
from results.records.layout import SweepLayout
from results.records.locate import SCRATCH_VARIABLE, check_writable, layout_at, sweep_layout
from results.records.manifest import create_sweep, new_manifest, read_spec_text
from results.records.objectives import Objectives
from results.storage.journal import Journal, read_journal
from results.storage.object_uri import parse_uri
from results.storage.objects import WAITS, Objects
from results.storage.store_error import StoreError, asking
from results.storage.store_lock import StoreLock


@pytest.fixture(params=["folder", "objects"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv(SCRATCH_VARIABLE, str(tmp_path / "scratch"))
    return str(tmp_path / "runs") if request.param == "folder" else server.uri(tmp_path.name)


@pytest.fixture
def layout(storage: str) -> SweepLayout:
    begun = sweep_layout(storage, "small")
    begin(begun)
    return begun


def begin(layout: SweepLayout) -> None:
    manifest = new_manifest(
        name="small",
        objectives=Objectives.of_metric("accuracy", "max"),
        metrics=["accuracy"],
        parameters={},
        search_seeds=[0],
        confirm_seeds=[],
        dataset="made",
        dataset_fingerprint="0" * 64,
        sweep_id=layout.store.sweep_id,
    )
    create_sweep(layout, manifest, "name: small\n")


def elsewhere(layout: SweepLayout, monkeypatch: pytest.MonkeyPatch, folder: Path) -> SweepLayout:
    """The same sweep as another machine finds it."""
    monkeypatch.setenv(SCRATCH_VARIABLE, str(folder))
    return layout_at(layout.store.address(layout.root))


def test_a_sweep_that_has_begun_is_found_by_its_address(
    layout: SweepLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = elsewhere(layout, monkeypatch, tmp_path / "other")
    other.store.pull_records()
    assert other.root.exists()
    assert other.manifest.read_bytes() == layout.manifest.read_bytes()
    assert read_spec_text(other) == "name: small\n"


def test_a_sweep_is_found_by_what_a_user_types(layout: SweepLayout, storage: str) -> None:
    for given in (layout.place, "small"):
        assert find_sweep(given, storage).manifest.read_bytes() == layout.manifest.read_bytes()
    assert len(open_sweep(layout.place).runs) == 0
    with pytest.raises(UserError, match=r"(?s)smal.*did you mean 'small'.*small"):
        find_sweep("smal", storage)


def test_a_sweep_begins_once(storage: str) -> None:
    begin(sweep_layout(storage, "small"))
    with pytest.raises(UserError, match="exists already"):
        begin(sweep_layout(storage, "small"))


def test_what_is_pushed_is_pulled_elsewhere_and_what_is_removed_is_gone(
    layout: SweepLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = layout.root / "checkpoints" / "best.safetensors"
    weights.parent.mkdir()
    data = bytes(range(256)) * 45_000  # more than one part of an upload
    weights.write_bytes(data)
    layout.store.push(weights)
    other = elsewhere(layout, monkeypatch, tmp_path / "other")
    there = other.root / "checkpoints" / "best.safetensors"
    assert other.store.has(there)
    assert other.store.pull(there)
    assert there.read_bytes() == data
    other.store.remove(there)
    other.store.remove(there)
    assert not layout.store.has(weights)
    assert not layout.store.pull(weights)
    assert not weights.exists()


def test_whole_files_of_a_folder_are_found_elsewhere_and_only_those_directly_in_it(
    layout: SweepLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["predictions/a.parquet", "predictions/b.parquet", "predictions/deeper/c.parquet"]
    for name in names:
        path = layout.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        layout.store.push(path)
    other = elsewhere(layout, monkeypatch, tmp_path / "other")
    other.store.pull_folder(other.predictions)
    found = {path.name: path.read_text() for path in other.predictions.glob("*.parquet")}
    assert found == {"a.parquet": names[0], "b.parquet": names[1]}


def test_each_row_of_a_journal_is_kept_when_append_returns(
    layout: SweepLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = elsewhere(layout, monkeypatch, tmp_path / "other")
    with Journal.open(layout.proposals, layout.store.push) as journal:
        for number in range(3):
            journal.append({"number": number})
            assert other.store.pull_grown(other.proposals)
            assert len(read_journal(other.proposals)) == number + 1


def test_a_journal_that_is_ahead_of_the_store_stays(layout: SweepLayout) -> None:
    with Journal.open(layout.proposals, layout.store.push) as journal:
        journal.append({"number": 0})
    with Journal.open(layout.proposals) as journal:
        journal.append({"number": 1})
        assert layout.store.pull_grown(layout.proposals)
        layout.store.pull_records()
        journal.append({"number": 2})
    assert [row["number"] for row in read_journal(layout.proposals)] == [0, 1, 2]


def test_rows_that_could_not_be_put_are_put_later(
    layout: SweepLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(layout.proposals) as journal:
        journal.append({"number": 0})
    layout.store.push_ahead()
    other = elsewhere(layout, monkeypatch, tmp_path / "other")
    other.store.pull_records()
    assert read_journal(other.proposals) == [{"number": 0}]


def test_there_is_nothing_to_pull_where_nothing_is(layout: SweepLayout) -> None:
    assert not layout.store.pull(layout.selection)
    assert not layout.store.pull_grown(layout.proposals)
    assert not layout.store.has(layout.report)


def test_a_check_leaves_nothing_behind(storage: str, server: ObjectServer, tmp_path: Path) -> None:
    check_writable(storage)
    assert server.names(tmp_path.name) == []


def test_a_missing_bucket_is_said(server: ObjectServer) -> None:
    with pytest.raises(UserError, match="there is no such bucket"):
        check_writable(server.uri("x", bucket="nobodys"))


@pytest.mark.usefixtures("server")
def test_an_endpoint_that_does_not_answer_is_said_and_is_a_fault_of_the_machine() -> None:
    with pytest.raises(StoreError, match="the endpoint cannot be reached: check endpoint_override") as caught:
        check_writable(f"s3://{BUCKET}/x?endpoint_override=127.0.0.1:1&scheme=http")
    assert is_machine_fault(caught.value)
    assert not any(value in str(caught.value) for value in CREDENTIALS.values() if "canary" in value)


@pytest.mark.usefixtures("server")
def test_what_a_provider_says_is_repeated_without_credentials() -> None:
    def refused() -> None:
        raise OSError("AWS Error ACCESS_DENIED for canary-key with canary-secret")

    with pytest.raises(StoreError, match="no credentials, or they do not allow it") as caught, asking("look"):
        refused()
    assert "canary-" not in str(caught.value)


@pytest.fixture
def objects(server: ObjectServer, tmp_path: Path) -> Objects:
    return Objects(parse_uri(server.uri(tmp_path.name)))


def lock_on(objects: Objects, *, machine: str = "", stale: float = 0.5) -> StoreLock:
    """A lock of this process, which may pass for one on another machine."""
    made = StoreLock(objects.put, objects.get, objects.delete, beat=0.1, stale=stale, settle=0.05)
    if machine:
        made._mine["machine"] = machine
    return made


def test_a_lock_keeps_others_out_while_it_is_held(objects: Objects) -> None:
    with lock_on(objects, machine="another", stale=5.0).held("busy", print):
        assert lock_on(objects).is_held()
        with (
            pytest.raises(UserError, match=r"busy \(process \d+ on .* holds its lock\)"),
            lock_on(objects, stale=5.0).held("busy", print),
        ):
            pass
    assert not lock_on(objects).is_held()
    assert objects.size(".lock.json") is None


def test_the_lock_of_a_holder_that_is_gone_is_taken_over_and_that_is_said(objects: Objects) -> None:
    lock_on(objects, machine="another")._write()
    said: list[str] = []
    with lock_on(objects).held("busy", said.append):
        pass
    assert "no sign of life for 0.5 s" in said[-1]


def test_who_starts_at_the_same_moment_and_writes_first_gives_way(objects: Objects) -> None:
    first, second = lock_on(objects), lock_on(objects)

    def put_and_be_overtaken(name: str, data: bytes) -> None:
        objects.put(name, data)
        second._write()

    first._put = put_and_be_overtaken
    with pytest.raises(UserError, match="at the same moment"), first.held("busy", print):
        pass


def test_a_holder_that_was_taken_over_stops(objects: Objects) -> None:
    def overtaken() -> None:
        lock_on(objects, machine="another")._write()
        for _ in range(300):  # in short moments, for a sleep is not cut short by what interrupts it
            time.sleep(0.1)

    with pytest.raises(UserError, match="was taken over by"), lock_on(objects).held("busy", print):
        overtaken()


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_a_store_that_is_away_for_a_moment_is_asked_again() -> None:
    with object_server() as gone:
        uri = parse_uri(gone.uri("place"))
        objects = Objects(uri, WAITS)
    with pytest.raises(StoreError, match="cannot be reached"):
        Objects(uri).get("anything")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(objects.get, "anything")
        with object_server(gone.port):
            assert answer.result() is None


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_the_endpoint_may_stand_in_the_environment(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{server.port}")
    Objects(parse_uri(f"s3://{BUCKET}/by-variable")).put("name", b"text")
    assert Objects(parse_uri(server.uri("by-variable"))).get("name") == b"text"


def test_an_empty_object_is_read_as_such(objects: Objects) -> None:
    objects.put("empty", b"")
    assert objects.get("empty") == b""
    assert objects.get("none") is None


PUTS_UNTIL_KILLED = """
import sys
from results.storage.object_uri import parse_uri
from results.storage.objects import Objects

objects = Objects(parse_uri(sys.argv[1]))
print("begins", flush=True)
while True:
    for letter in (b"a", b"b"):
        objects.put("weights", letter * int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [10_000, 12_000_000])  # one request, and an upload in parts
def test_a_kill_in_the_middle_of_a_write_leaves_a_whole_object(objects: Objects, size: int) -> None:
    objects.put("weights", b"a" * size)
    for wait in (0.1, 0.3, 0.6):
        command = [sys.executable, "-c", PUTS_UNTIL_KILLED, str(objects.uri), str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        data = objects.get("weights")
        assert data in (b"a" * size, b"b" * size)
