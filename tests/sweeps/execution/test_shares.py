"""Shares of jobs: what was given, and for a configuration that outgrew it twice of that, once and on record."""

from __future__ import annotations

import pytest
import torch
from tiny_sweep import run_context

from causalmer_core.basics.faults import ShareExceededError
from causalmer_core.training.trainer import Trainer
from cluster.resources.trial_resources import TrialShare
from results.records.histories import read_run
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.execution.block_session import BlockSession
from sweeps.execution.shares import Shares, same_for_all
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep

ASKED = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB."


def job(sweep: CheckedSweep, seeds: tuple[int, ...] = (1,), alpha: float = 1.0) -> Job:
    config = sweep.configurations.base.with_values({"loss.alpha": alpha})
    return Job(config=config, seeds=seeds, phase="confirm", role="candidate")


def given(sweep: CheckedSweep, gpu: float) -> Shares:
    return same_for_all(sweep.layout, TrialShare(gpu=gpu))


def test_a_configuration_gets_twice_its_share_once_and_others_keep_theirs(sweep: CheckedSweep) -> None:
    shares = given(sweep, 0.2)
    assert shares.placed(job(sweep), run_context(sweep)).may_grow
    assert shares.grow_share(job(sweep), 0.2) == 0.4
    assert shares.of(job(sweep)).gpu == shares.of(job(sweep, (9,))).gpu == 0.4
    assert shares.of(job(sweep, alpha=0.5)).gpu == 0.2
    placed = shares.placed(job(sweep), run_context(sweep))
    assert (placed.gpus, placed.may_grow) == (0.4, False)
    assert shares.grow_share(job(sweep), 0.4) is None


def test_a_seed_that_outgrew_the_share_beside_another_goes_on_with_what_that_one_got(
    sweep: CheckedSweep,
) -> None:
    shares = given(sweep, 0.2)
    shares.grow_share(job(sweep, (1,)), 0.2)
    assert shares.grow_share(job(sweep, (2,)), 0.2) == 0.4
    assert shares.grow_share(job(sweep, (2,)), 0.2) is None, (
        "a process that is lost at once is tried for ever"
    )


def test_a_raised_share_holds_when_the_sweep_goes_on_unless_its_file_says_more_or_none(
    sweep: CheckedSweep,
) -> None:
    given(sweep, 0.2).grow_share(job(sweep), 0.2)
    assert given(sweep, 0.2).of(job(sweep)).gpu == 0.4
    assert given(sweep, 0.5).of(job(sweep)).gpu == 0.5
    assert given(sweep, 0.0).of(job(sweep)).gpu == 0.0


@pytest.mark.parametrize("gpu", [0.0, 1.0, 2.0])
def test_without_a_share_there_is_nothing_to_outgrow(sweep: CheckedSweep, gpu: float) -> None:
    assert not given(sweep, gpu).placed(job(sweep), run_context(sweep)).may_grow


def test_a_block_that_outgrows_its_share_goes_on_from_its_checkpoints_with_more(
    sweep: CheckedSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second epoch of the block's second seed does not fit into a fifth of a GPU."""
    block, shares, epochs = job(sweep, (1, 2)), given(sweep, 0.2), []
    original = Trainer._train_epoch

    def hungry(trainer: Trainer, epoch: int) -> object:
        epochs.append((trainer.seed, epoch))
        if (trainer.seed, epoch) == (2, 2) and shares.of(block).gpu < 0.4:
            raise torch.OutOfMemoryError(ASKED)
        return original(trainer, epoch)

    monkeypatch.setattr(Trainer, "_train_epoch", hungry)
    session = BlockSession(block, shares.placed(block, run_context(sweep)))
    session.advance()
    with pytest.raises(ShareExceededError, match=r"Tried to allocate 2\.00 GiB; the run had 0\.2 of the GPU"):
        session.advance()
    first, second = (read_run(sweep.layout, key) for key in block.keys)
    assert first is not None
    assert second is not None
    assert {first.state, second.state} == {RunState.INTERRUPTED}
    assert (first.out_of_share, second.out_of_share) == (None, 0.2)
    assert shares.grow_share(block, 0.2) == 0.4
    with BlockSession(block, shares.placed(block, run_context(sweep))) as session:
        while not all(run.state.is_final for run in session.advance()):
            pass
    second = read_run(sweep.layout, block.keys[1])
    assert second is not None
    assert second.state is RunState.FINISHED
    assert epochs.count((2, 1)) == 1, "it began anew"
    assert [span[2] for span in second.spans] == [0.1, 0.2], "half of the block's share is each seed's"


def test_out_of_memory_with_nothing_more_to_give_is_the_runs_own_end_and_says_the_number(
    sweep: CheckedSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(*_: object) -> None:
        raise torch.OutOfMemoryError(ASKED)

    monkeypatch.setattr(Trainer, "_train_epoch", hungry)
    only, shares = job(sweep), given(sweep, 1.0)
    with BlockSession(only, shares.placed(only, run_context(sweep))) as session:
        (run,) = session.advance()
    assert run.state is RunState.OOM
    found = read_run(sweep.layout, only.key)
    assert found is not None
    assert found.reason == "CUDA out of memory. Tried to allocate 2.00 GiB; the run had 1 of the GPU"
    assert read_journal(sweep.layout.shares) == []
