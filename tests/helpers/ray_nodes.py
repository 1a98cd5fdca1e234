"""A Ray cluster of several nodes on this machine, each with its own processes, in a process of its own.

In one, since Ray adds nodes from a main thread only, and what is tested is not the process that started them.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from types import TracebackType
from typing import Self

_NODES = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": int(sys.argv[1]), "include_dashboard": False})
nodes = []
print(cluster.address, flush=True)
for line in sys.stdin:
    verb, *numbers = line.split()
    if verb == "add":
        cpus, kinds = int(numbers[0]), numbers[1:]
        types = {"accelerator_type:" + kind: 1 for kind in kinds}
        labels = {"ray.io/accelerator-type": kind for kind in kinds}
        gpus = len(kinds)
        nodes.append(cluster.add_node(wait=False, num_cpus=cpus, num_gpus=gpus, resources=types, labels=labels))
        cluster.wait_for_nodes(timeout=200)  # Ray's own wait gives a slow machine too little time
    elif verb == "kill":
        cluster.remove_node(nodes.pop(0), allow_graceful=False)
    elif verb == "behead":
        cluster.head_node.kill_gcs_server()
    print(verb, flush=True)
"""

_SOON = {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "3"}
"""A node that is gone is noticed in seconds."""


class RayNodes:
    """The cluster, for a block; what is left of it ends with the block.

    Args:
        head_cpus: of the head.
        asks_for_token: whether it is closed to those without its token.
    """

    def __init__(self, head_cpus: int = 0, *, asks_for_token: bool = True) -> None:
        self.token = secrets.token_hex(32)
        self.asks_for_token = asks_for_token
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        mode = {"RAY_AUTH_MODE": "token" if asks_for_token else "disabled", "RAY_AUTH_TOKEN": self.token}
        self.plain_environment = {**kept, "RAY_USAGE_STATS_ENABLED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NODES, str(head_cpus)],
            env={**self.plain_environment, **mode, **_SOON},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self._answer()

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that has the token."""
        return {**self.plain_environment, "RAY_AUTH_TOKEN": self.token}

    def add(self, cpus: int, gpu: str = "") -> None:
        """Start a node, with what Ray takes for a GPU of that type; when this returns, it has joined."""
        self._tell(f"add {cpus} {gpu}")

    def kill(self) -> None:
        """Kill the oldest of the added nodes with all that runs on it."""
        self._tell("kill")

    def behead(self) -> None:
        """Kill the process that knows the cluster, on the head."""
        self._tell("behead")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=100)  # the end of its input is its end

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        assert self._answer() == line.split()[0]

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, f"the cluster ended with {self._process.wait(10)}"
        return answer
