"""A cluster of one node with a job server, started as the documentation says: `ray start --head` with a token."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from canaries import CANARIES

_PATIENCE = 120.0
BIN = Path(sys.executable).parent
"""Where `ray` and `causalmer` are installed."""


class JobHead:
    """The head, for a block; what is left of it ends with the block.

    Its user's home is `home`, with the token in it, where a machine that submits jobs may have its home as well. Ray's
    files are in `files`. The environments of the head and of who submits are full of credentials.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets have short names only
        self.home = self._folder / "home"
        self.files = self._folder / "ray"
        self.token = secrets.token_hex(32)
        (self.home / ".ray").mkdir(parents=True)
        (self.home / ".ray" / "auth_token").write_text(self.token)
        (self.home / ".ray" / "auth_token").chmod(0o600)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.plain_environment = {
            **kept,
            **CANARIES,
            "PATH": path,
            "HOME": str(self.home),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self.environment = {**self.plain_environment, "RAY_AUTH_MODE": "token"}
        dashboard, client, agent = _free_ports(3)
        self.port = dashboard
        self.address = f"http://127.0.0.1:{dashboard}"
        self._log = (self._folder / "head.log").open("w+")
        command = f"""ray start --head --block --port=0 --num-cpus=2 --temp-dir={self.files}
            --dashboard-host=127.0.0.1 --dashboard-port={dashboard} --dashboard-agent-listen-port={agent}
            --ray-client-server-port={client} --min-worker-port=0 --max-worker-port=0"""
        self._process = subprocess.Popen(
            command.split(), cwd=self.home, env=self.environment, stdout=self._log, stderr=self._log
        )
        try:
            self._wait_for_start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def asked(self, path: str) -> str:
        """What the server answers to whoever has the token."""
        request = urllib.request.Request(
            self.address + path, headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())

    def _wait_for_start(self) -> None:
        end = time.monotonic() + _PATIENCE
        log = Path(self._log.name)
        while "Ray runtime started" not in log.read_text():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        self.asked("/api/version")
        # The server answers before it can run jobs: a first job is asked for until it runs.
        submit = ["submit", "--address", self.address, "--submission-id", "first", "--", "true"]
        while "succeeded" not in (said := self._job(*submit)):
            assert "No available agent" in said, said
            assert time.monotonic() < end, said
            time.sleep(1.0)
        self._job("delete", "--address", self.address, "first")

    def _job(self, *words: str) -> str:
        """What `ray job` says, well done or not."""
        return subprocess.run(
            [BIN / "ray", "job", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
