"""The job server of a cluster: jobs are submitted to it over HTTP from outside.

Like a cluster's head it must require a token, unless the user allows otherwise (see `cluster.connection.token`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

from causalmer_core.basics.errors import UserError, did_you_mean
from cluster.connection.token import show_own_token

_NO_AGENT = "No available agent"
"""Part of Ray's answer while the head has no process that starts jobs."""
_AGENT_SECONDS = 60.0
"""How long a submission waits for that process."""
_CONNECT_SECONDS = 5.0

_SILENT_SECONDS = 60.0
"""A connection that is silent for this long may be dead: it is made again."""

_TRUST = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name the file of trusted certificates; the first one that is set is used."""

_STRONGER_THAN_ADDRESSES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Variables that Ray's client prefers to the address that it is given."""

for _name in (
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
):
    logging.getLogger(_name).setLevel(logging.WARNING)  # they log every file that they send


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of a job.

    Attributes:
        status: Ray's word for it, such as RUNNING.
        message: Ray's message about it.
        exit_code: the exit code of the command. None: it did not end by itself.
        is_final: whether the job is over.
    """

    status: str
    message: str
    exit_code: int | None
    is_final: bool

    @property
    def code(self) -> int:
        """The exit code to pass on: the command's own, or 1 if the command was stopped or never began."""
        if self.status == JobStatus.SUCCEEDED.value:
            return 0
        return self.exit_code or 1


class LostConnectionError(UserError):
    """The server does not answer now; it may answer later."""


class JobServer:
    """The job server at an address. It gets the user's token only after it rejected a random one.

    Args:
        address: `http://HEAD:8265`, or https.
        insecure: whether a server that requires no token is allowed.

    Raises:
        UserError: the address is wrong, no job server answers there, it requires no token, or the user's token is
            missing or wrong.
    """

    def __init__(self, address: str, *, insecure: bool = False) -> None:
        if find_spec("aiohttp") is None:
            raise UserError("jobs need more of Ray than is installed; pip install 'causalmer[cluster]'")
        self.address = address.rstrip("/")
        self._place = f"--address {address}"
        self._check_port()
        self._client = self._entered(insecure=insecure)

    def submit(
        self, command: str, job: str, *, folder: Path, modules: list[Path], environment: Mapping[str, str]
    ) -> None:
        """Submit a command to run on the cluster's head.

        Args:
            command: a shell command.
            job: the job's name, unique on the cluster.
            folder: a folder that is copied and becomes the command's working directory.
            modules: folders that are copied and can be imported in the job.
            environment: variables of the job. They are not secret: the dashboard shows them.

        Raises:
            UserError: the server rejects the job.
        """
        environments: dict[str, Any] = {"working_dir": str(folder), "env_vars": dict(environment)}
        if modules:  # Ray fails on an empty list
            environments["py_modules"] = [str(module) for module in modules]
        with self._asked():
            end = time.monotonic() + _AGENT_SECONDS
            while True:
                try:
                    self._client.submit_job(entrypoint=command, submission_id=job, runtime_env=environments)
                    return
                except RuntimeError as error:
                    # The server of a head that has just started answers before it can run jobs.
                    if _NO_AGENT not in str(error) or time.monotonic() > end:
                        raise
                    time.sleep(1.0)

    def state(self, job: str) -> JobState:
        """The state of a job.

        Raises:
            UserError: there is no such job.
        """
        with self._asked(job):
            details: JobDetails = self._client.get_job_info(job)
        return JobState(
            status=details.status.value,
            message=_message(details),
            exit_code=details.driver_exit_code,
            is_final=details.status.is_terminal(),
        )

    def logs(self, job: str) -> str:
        """All text that a job has written so far."""
        with self._asked(job):
            return str(self._client.get_job_logs(job))

    def stop(self, job: str) -> bool:
        """Ask a job to end, and return whether it was still running. Its environment sets the time that it has."""
        with self._asked(job):
            return bool(self._client.stop_job(job))

    async def tail(self, job: str) -> AsyncIterator[str]:
        """The text that a job writes, from its beginning to its end, as it is written.

        Raises:
            LostConnectionError: the connection was lost, or nothing arrived for a minute.
        """
        import aiohttp  # optional: only job submission needs it

        pieces = aiter(self._client.tail_job_logs(job))
        try:
            while True:
                async with asyncio.timeout(_SILENT_SECONDS):
                    text = await anext(pieces, None)
                if text is None:
                    return
                yield text
        except (aiohttp.ClientError, RuntimeError, TimeoutError) as error:
            raise LostConnectionError(f"{self._place}: the connection was lost") from error

    def _check_port(self) -> None:
        # Ray's client would wait for minutes; this answers within seconds.
        try:
            parts = urlsplit(self.address)
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        except ValueError:  # the port is not a number
            parts, port = urlsplit(""), None
        if not parts.hostname or port is None:
            raise UserError(
                f"{self._place}: not the address of a job server; allowed http://HEAD:8265, or where a tunnel to it "
                "begins: http://127.0.0.1:8265"
            )
        try:
            socket.create_connection((parts.hostname, port), timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            self._silent(error)

    def _entered(self, *, insecure: bool) -> Any:
        show_own_token(
            self._place,
            "job server",
            lets_in=lambda token: self._connected(token) is not None,
            insecure=insecure,
        )
        client = self._connected(None)
        if client is None:
            self._refused()
        return client

    def _connected(self, token: str | None) -> Any:
        """Ray's client with a token, by default the user's, or None if the server rejects it."""
        headers = None if token is None else {"Authorization": f"Bearer {token}"}
        with _without(_STRONGER_THAN_ADDRESSES):
            try:
                return JobSubmissionClient(self.address, headers=headers, verify=_trusted())
            except AuthenticationError:
                return None
            except ConnectionError as error:
                self._not_encrypted(error)
                self._silent(error)
            # Not a job server: a 404 is a RuntimeError, an answer without JSON a ValueError, other JSON a Key- or
            # TypeError.
            except (RuntimeError, ValueError, KeyError, TypeError, requests.RequestException) as error:
                raise UserError(
                    f"{self._place}: something answers there that is no job server of Ray's; allowed the address of a "
                    "dashboard (port 8265 of the head, unless it was started with another), where ray[default] is "
                    "installed"
                ) from error

    @contextmanager
    def _asked(self, job: str | None = None) -> Iterator[None]:
        try:
            yield
        except (requests.ConnectionError, requests.Timeout) as error:
            self._silent(error)
        except AuthenticationError as error:
            self._refused(error)
        except RuntimeError as error:
            if job is not None and "status code 404" in str(error):
                raise self._unknown(job) from error
            raise UserError(f"{self._place}: the job server says: {_last_line(error)}") from error

    def _unknown(self, job: str) -> UserError:
        with self._asked():
            known = sorted(info.submission_id for info in self._client.list_jobs() if info.submission_id)
        names = ", ".join(known) or "none"
        return UserError(f"{self._place}: no job {job}; jobs there: {names}{did_you_mean(job, known)}")

    def _refused(self, error: Exception | None = None) -> NoReturn:
        raise UserError(f"{self._place}: the token here is not this job server's any more") from error

    def _not_encrypted(self, error: Exception) -> None:
        """Raise the error about the encryption, if the encryption is the cause."""
        inner: BaseException | None = error
        while inner is not None and not isinstance(inner, ssl.SSLError):
            inner = inner.__context__
        if isinstance(inner, ssl.SSLCertVerificationError):
            raise UserError(
                f"{self._place}: its certificate is not trusted here ({inner.verify_message}); where an authority of "
                f"your own signed it, give that one's file: {_TRUST[0]}=FILE.pem"
            ) from error
        if inner is not None:
            raise UserError(
                f"{self._place}: no https is spoken there ({inner.reason}); Ray's own server speaks http"
            ) from error

    def _silent(self, error: Exception) -> NoReturn:
        raise LostConnectionError(
            f"{self._place}: nobody answers there; see that the head runs with --dashboard-host=127.0.0.1, and that "
            "the tunnel is open: ssh -L 8265:127.0.0.1:8265 HEAD"
        ) from error


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Remove some variables from the environment within the block."""
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


def _trusted() -> str | bool:
    """The trusted certificates, in the form for Ray's client."""
    # Ray's client reads no variable when it follows a job.
    for name in _TRUST:
        if file := os.environ.get(name):
            if not Path(file).exists():
                raise UserError(f"{name} is {file}, and there is no such file of certificates")
            return file
    return True


def _message(details: JobDetails) -> str:
    """Ray's message about a job, without the end of its log."""
    message = details.message or ""
    return str(message).partition(", last available logs")[0].strip()


def _last_line(error: Exception) -> str:
    """The last line of an error: the server answers with whole tracebacks."""
    return str(error).rstrip(". \n").splitlines()[-1]
