"""What a job writes is told once and whole, however often the connection is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.jobs import job_following
from cluster.jobs.job_server import JobServer, JobState, LostConnectionError

TEXT = "one\ntwo\nthree\nfour\n"


class Unsteady(JobServer):
    """A server whose connections end early: after so many characters, in pieces of a size."""

    def __init__(self, ends: list[int], size: int) -> None:
        self._ends, self._size = ends, size

    def state(self, job: str) -> JobState:
        return JobState(
            "RUNNING" if self._ends else "SUCCEEDED", "", None if self._ends else 0, not self._ends
        )

    def logs(self, job: str) -> str:
        return TEXT

    async def tail(self, job: str) -> AsyncIterator[str]:
        end = self._ends.pop(0)
        for start in range(0, end, self._size):
            yield TEXT[start : min(start + self._size, end)]
        raise LostConnectionError("the network is down")


@given(st.lists(st.integers(0, len(TEXT)), max_size=5), st.integers(1, 30))
def test_every_part_is_told_once(ends: list[int], size: int) -> None:
    notify: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_following, "_POLL_SECONDS", 0.0)
        assert job_following.follow(Unsteady(ends, size), "a", notify.append).code == 0
    assert "".join(notify) == TEXT


def test_a_server_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Unsteady):
        def state(self, job: str) -> JobState:
            raise LostConnectionError("nobody answers")

    monkeypatch.setattr(job_following, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(job_following, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(LostConnectionError):
        job_following.follow(Silent([], 1), "a", print)
