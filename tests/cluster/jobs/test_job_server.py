"""Jobs of a real server: seen to their end by whoever has its token, and by nobody else."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from job_head import JobHead
from proxy import Proxy

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.packages import PACKAGES
from cluster.jobs.job_server import JobServer, JobState
from cluster.jobs.shipped_code import copy_code

WALK = """
import json, os, sys
from pathlib import Path
from causalmer_core.basics.errors import UserError
from cluster.jobs import job_server
from cluster.jobs.job_following import follow, wait_for_end
from cluster.jobs.job_server import JobServer

folder = Path(sys.argv[2])
job_server._SILENT_SECONDS = 3.0
os.environ["RAY_ADDRESS"] = "http://127.0.0.1:9"  # Ray's client would go there
said = {}
try:
    server = JobServer(sys.argv[1])
    command = "echo one; sleep 2; cat note.txt; printf %s $KIND; exit 3"
    server.submit(command, "a-1", folder=folder, modules=[], environment={"KIND": "tea"})
    text = []
    state = follow(server, "a-1", text.append)
    said |= {"text": "".join(text), "logs": server.logs("a-1"), "state": [state.status, state.code, state.is_final]}
    said["message"] = state.message
    server.submit("sleep 1000", "a-2", folder=folder, modules=[], environment={})
    said |= {"stopped": server.stop("a-2"), "end": wait_for_end(server, "a-2").status, "again": server.stop("a-2")}
    try:
        server.submit("true", "a-1", folder=folder, modules=[], environment={})
    except UserError as error:
        said["twice"] = str(error)
    server.state("a-3")
except UserError as error:
    said["error"] = str(error)
print(json.dumps(said))
"""


def walk(address: str, folder: Path, environment: dict[str, str], kind: str = "a") -> dict[str, Any]:
    """What it says; its jobs are named by their kind, since no name is given twice."""
    done = subprocess.run(
        [sys.executable, "-c", WALK.replace('"a-', f'"{kind}-'), address, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def head() -> Iterator[JobHead]:
    with JobHead() as started:
        yield started


@pytest.mark.slow
def test_a_job_is_followed_to_its_end_and_another_one_stopped(head: JobHead, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("two\n")
    said = walk(head.address, tmp_path, head.plain_environment)
    assert "\none\n" in said["text"], said["message"]  # Ray may write its own first line later
    assert said["text"].endswith("two\ntea")
    assert said["text"] == said["logs"]
    assert said["state"] == ["FAILED", 3, True]
    assert (said["stopped"], said["end"], said["again"]) == (True, "STOPPED", False)
    assert "a-1 already exists" in said["twice"]
    assert "no job a-3; jobs there: a-1, a-2 (did you mean 'a-" in said["error"]
    assert str(tmp_path) not in head.asked("/api/jobs/"), "jobs name a folder of the machine they came from"


@pytest.mark.slow
def test_a_job_is_followed_over_a_connection_that_fell_silent(head: JobHead, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("two\n")
    with Proxy(head.port, silent=b"/logs/tail") as way:
        said = walk(way.address, tmp_path, head.plain_environment, "silent")
    assert way.silenced
    assert said["text"].endswith("two\ntea")
    assert said["text"] == said["logs"]
    assert said["state"] == ["FAILED", 3, True]


@pytest.mark.slow
def test_a_job_server_is_reached_by_https_where_its_certificate_is_trusted(
    head: JobHead, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("two\n")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(file := tmp_path / "authority.pem")
    with Proxy(head.port, encryption=context) as way:
        trusting = {**head.plain_environment, "REQUESTS_CA_BUNDLE": str(file)}
        said = walk(way.address, tmp_path, trusting, "https")
        stranger = walk(way.address, tmp_path, head.plain_environment, "none")
        missing = {**head.plain_environment, "REQUESTS_CA_BUNDLE": str(tmp_path / "gone.pem")}
        lost = walk(way.address, tmp_path, missing, "none")
    assert said["text"].endswith("two\ntea")
    assert said["state"] == ["FAILED", 3, True]
    assert "not trusted here (unable to get local issuer certificate); where" in stranger["error"]
    assert "REQUESTS_CA_BUNDLE=FILE.pem" in stranger["error"]
    assert "gone.pem, and there is no such file of certificates" in lost["error"]


@pytest.mark.slow
def test_without_the_right_token_it_is_said_what_to_do(head: JobHead, tmp_path: Path) -> None:
    stranger = {**head.plain_environment, "HOME": str(tmp_path)}
    none = walk(head.address, tmp_path, stranger)
    assert (
        "asks for its token and there is none here; copy ~/.ray/auth_token from the cluster's head"
        in none["error"]
    )
    assert not list(tmp_path.iterdir()), "a token was made up"
    wrong = walk(head.address, tmp_path, {**stranger, "RAY_AUTH_TOKEN": "0" * 64})
    assert "the token here is not this job server's" in wrong["error"]


@pytest.mark.parametrize("address", ["auto", "head:8265", "http://", "http://head:port", "http://head:70000"])
def test_what_is_no_address_of_a_job_server_is_refused_with_what_is(address: str) -> None:
    with pytest.raises(UserError) as caught:
        JobServer(address)
    assert str(caught.value).startswith(
        f"--address {address}: not the address of a job server; allowed http://"
    )


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that says the same to all."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"), [(404, b""), (200, b"<html>"), (200, b"{}"), (500, b"no"), (200, b"[1]")]
)
def test_what_answers_and_is_no_job_server_is_told_from_one(status: int, body: bytes) -> None:
    with answering(status, body) as address, pytest.raises(UserError, match="no job server of Ray's"):
        JobServer(address)


def test_who_asks_an_unencrypted_server_for_https_is_told_so() -> None:
    with answering(200, b"") as address, pytest.raises(UserError, match="no https is spoken there"):
        JobServer(address.replace("http:", "https:"))


def test_a_server_that_asks_for_no_token_is_used_only_where_that_is_wanted() -> None:
    open_one = answering(200, b'{"ray_version": "2.60.0"}')
    with open_one as address, pytest.raises(UserError, match=r"asks for no token.*--insecure"):
        JobServer(address)


def test_where_nobody_answers_that_is_said_at_once() -> None:
    with answering(200, b"") as gone:
        pass
    with pytest.raises(UserError, match=r"nobody answers there.*the tunnel"):
        JobServer(gone)


def test_the_code_of_a_job_is_this_machine_s_and_names_none_of_its_folders(tmp_path: Path) -> None:
    folders = copy_code(tmp_path)
    assert [folder.name for folder in folders[: len(PACKAGES)]] == list(PACKAGES)
    notify = subprocess.run(
        [sys.executable, "-c", "import sweeps; print(sweeps.__file__)"],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert notify.startswith(str(tmp_path))
    root = str(Path(__file__).parents[3])
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert {".py", ".j2", ".yaml"} <= {file.suffix for file in files}
    assert not [file for file in files if root.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [("SUCCEEDED", 0, 0), ("FAILED", 2, 2), ("FAILED", None, 1), ("STOPPED", None, 1)],
)
def test_who_waits_gets_the_job_s_exit_code(status: str, code: int | None, expected: int) -> None:
    assert JobState(status, "", code, is_final=True).code == expected
