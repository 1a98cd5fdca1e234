"""A sweep on a cluster that was joined: nodes come late and die, then the head does; it goes on somewhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_sweep import PATIENCE, Sweep, assert_equal_records
from ray_nodes import RayNodes
from tiny_sweep import YAML
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from results.records.histories import read_runs
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.cli.main import app

SMALL = YAML.replace("num_configs: 5", "num_configs: 3").replace(
    "confirm: 2, evaluate: 2", "confirm: 0, evaluate: 1"
)

LONGER = SMALL.replace("max_epochs: 3", "max_epochs: 15").replace(
    "name: asha, grace_epochs: 1, reduction_factor: 2", "name: none"
)
"""So long that it is not over while a node starts."""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_sweep_outlives_a_node_and_goes_on_elsewhere_when_the_head_is_lost(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, LONGER)
    with RayNodes(head_cpus=0) as cluster:
        sweep.environment = {"RAY_AUTH_TOKEN": cluster.token}
        driver = sweep.start("run", "--address", cluster.address)
        sweep.wait_for(sweep.layout.root.exists, driver)
        cluster.add(1)  # it waits for a node on which a run fits
        sweep.wait_for(lambda: sweep.rows() >= 1, driver)
        cluster.add(1)
        cluster.kill()
        before = sweep.rows()
        sweep.wait_for(lambda: sweep.rows() > before, driver)
        cluster.behead()
        output, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 2, errors + output
    assert f"error: --address {cluster.address}: no Ray answers there" in errors
    assert "joined the cluster of" in output
    kept = sweep.rows()
    sweep.environment = {}
    sweep.done("run", "--cpus", "1")
    assert sweep.rows() >= kept
    histories = read_runs(sweep.layout)
    assert {history.state for history in histories} <= {RunState.FINISHED, RunState.PRUNED}
    proposals = [row for row in read_journal(sweep.layout.proposals) if row["kind"] == "proposal"]
    assert len(proposals) == 3
    assert sweep.layout.report.exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_three_nodes_of_which_two_are_killed_and_one_joins_late_make_the_records_of_an_undisturbed_sweep(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / "cluster", tmp_path / "alone"]
    for folder in folders:
        folder.mkdir()
    sweep, alone = (Sweep(folder, SMALL) for folder in folders)
    with RayNodes(head_cpus=0) as cluster:
        sweep.environment = {"RAY_AUTH_TOKEN": cluster.token}
        for _ in range(3):
            cluster.add(1)
        driver = sweep.start("run", "--address", cluster.address)
        sweep.wait_for(lambda: sweep.rows() >= 1, driver)
        cluster.kill()
        cluster.add(1)
        before = sweep.rows()
        sweep.wait_for(lambda: sweep.rows() > before, driver)
        cluster.kill()
        output, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, errors + output
    alone.done("run", "--cpus", "1")
    assert_equal_records(sweep, alone)


def test_what_limits_a_private_ray_is_refused_beside_a_cluster(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, SMALL)
    result = CliRunner().invoke(app, ["run", str(sweep.file), "--address", "auto", "--cpus", "2"])
    assert isinstance(result.exception, UserError)
    assert "--cpus and --gpus limit a private Ray" in str(result.exception)
    assert not sweep.layout.root.exists()
