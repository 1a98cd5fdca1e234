"""A run on an object store: what is there when an epoch is reported, and what another machine makes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from object_server import BUCKET, ObjectServer
from objectives_by_hand import HIGHER
from tiny_sweep import YAML, begin, checked_sweep, compared_rows, run_context, train, write_sweep

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.faults import MachineFaultError
from results.records.histories import RunHistory, read_run
from results.records.locate import SCRATCH_VARIABLE, layout_at
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.execution.block_session import BlockSession
from sweeps.jobs.job import Job
from sweeps.jobs.reuse import Reuse
from sweeps.setup.preflight import CheckedSweep
from sweeps.spec.sweep_spec import load_spec


@pytest.fixture
def sweep(tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> CheckedSweep:
    monkeypatch.setenv(SCRATCH_VARIABLE, str(tmp_path / "scratch"))
    checked = checked_sweep(tmp_path, storage=server.uri(tmp_path.name))
    begin(checked)
    return checked


def job(sweep: CheckedSweep) -> Job:
    config = sweep.configurations.base
    return Job(config=config, seeds=(1,), phase="search", role="candidate", number=0)


def history(sweep: CheckedSweep, work: Job) -> RunHistory:
    found = read_run(sweep.layout, work.key)
    assert found is not None
    return found


def test_what_is_reported_is_in_the_store_and_goes_on_elsewhere(
    sweep: CheckedSweep, server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, place = job(sweep), f"{tmp_path.name}/tiny"
    with BlockSession(work, run_context(sweep)) as session:
        session.advance()
        session.advance()
    monkeypatch.setenv(SCRATCH_VARIABLE, str(tmp_path / "other"))
    names = server.names(place)
    assert {f"checkpoints/{work.key.stem}/{name}.safetensors" for name in ("best", "last")} <= set(names)
    (last,) = [train(work, sweep)]
    assert (last.state, last.epoch) == (RunState.FINISHED, 3)
    there = layout_at(server.uri(place))
    attempts = [read_journal(there.run_journal(work.key, attempt)) for attempt in (1, 2)]
    assert [[row["kind"] for row in rows] for rows in attempts] == [
        ["start", "epoch", "epoch"],
        ["start", "epoch", "end"],
    ]
    assert f"checkpoints/{work.key.stem}/last.safetensors" not in server.names(place)

    undisturbed = checked_sweep(tmp_path)
    begin(undisturbed)
    train(work, undisturbed)
    assert compared_rows(history(sweep, work)) == compared_rows(history(undisturbed, work))


def test_a_store_that_fails_interrupts_the_attempt_and_the_run_goes_on_when_it_is_back(
    sweep: CheckedSweep, server: ObjectServer, tmp_path: Path
) -> None:
    work = job(sweep)
    key = f"{BUCKET}/{tmp_path.name}"
    with BlockSession(work, run_context(sweep)) as session:
        session.advance()
        kept = tmp_path / "kept"
        server.move_away(key, kept)
        with pytest.raises((UserError, MachineFaultError), match="there is no such bucket"):
            session.advance()
    assert history_here(sweep, work).state is RunState.INTERRUPTED
    server.put_back(key, kept)
    assert train(work, sweep).state is RunState.FINISHED
    assert [row["epoch"] for row in history(sweep, work).epochs] == [1, 2, 3]


def history_here(sweep: CheckedSweep, work: Job) -> RunHistory:
    """What the working copy says, while the store cannot be asked."""
    rows = read_journal(sweep.layout.run_journal(work.key, 1))
    assert [row["kind"] for row in rows] == ["start", "epoch", "epoch", "end"]
    (sweep.layout.root / "copy").mkdir()
    folder = type(sweep.layout)(sweep.layout.root / "copy")
    shutil.copytree(sweep.layout.root / "journals", folder.root / "journals")
    shutil.copyfile(sweep.layout.manifest, folder.manifest)
    found = read_run(folder, work.key)
    assert found is not None
    return found


def test_a_run_of_another_sweep_in_the_bucket_is_taken_over_with_its_weights(
    sweep: CheckedSweep, server: ObjectServer, tmp_path: Path
) -> None:
    work = job(sweep)
    train(work, sweep)
    text = YAML.replace("name: tiny\n", "name: other\n", 1)
    other = checked_sweep(tmp_path, text, storage=server.uri(tmp_path.name))
    begin(other)
    notify: list[RunHistory] = []
    assert Reuse(other.layout, objectives=HIGHER, notify=notify.append, warn=print)(work)
    assert [run.reused_from for run in notify] == [sweep.layout.store.sweep_id]
    assert compared_rows(history(other, work)) == compared_rows(history(sweep, work))
    weights = f"checkpoints/{work.key.stem}/best.safetensors"
    first, second = (server.read(f"{tmp_path.name}/{name}/{weights}") for name in ("tiny", "other"))
    assert first == second


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("s3://key:canary@bucket/p", "has credentials in it"),
        ("s5://bucket/p", "unknown scheme 's5:'"),
        ("s3:///p", "has no bucket; allowed s3://BUCKET/PREFIX"),
    ],
)
def test_a_storage_that_is_wrong_is_said_with_its_line_and_without_secrets(
    tmp_path: Path, storage: str, said: str
) -> None:
    file = write_sweep(tmp_path)
    file.write_text(f"storage: '{storage}'\n{file.read_text()}")
    with pytest.raises(UserError) as caught:
        load_spec(file)
    assert f"tiny.yaml:1: storage: {said}" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_bucket_that_is_missing_is_found_before_anything_starts(
    tmp_path: Path, server: ObjectServer
) -> None:
    with pytest.raises(UserError, match=r"storage: cannot write .*there is no such bucket"):
        checked_sweep(tmp_path, storage=server.uri("p", bucket="nobodys"))
