"""`ray up` and `ray submit` as the documentation gives them, with this machine as the host, reached by ssh.

`ray up` stops every Ray of its user on a host. So the host is this machine seen from namespaces of its own: processes,
network and mounts that nobody else has, with an ssh server and a home folder in them, which end with the test.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from driven_sweep import PATIENCE
from tiny_sweep import SHORTEST, write_sweep

from results.records.layout import SweepLayout
from sweeps.spec.sweep_spec import load_spec

BIN = Path(sys.executable).parent
NAMESPACES = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
TOOLS = ("unshare", "ip", "mount", "sshd", "ssh", "ssh-keygen", "rsync", "bash")

HOST = r"""
set -euo pipefail
home=$1
ip link set lo up
sed -E "s#^(root:([^:]*:){4})[^:]*#\1$home#" /etc/passwd > "$home/passwd"
mount --bind "$home/passwd" /etc/passwd
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /tmp/ray "$home/ray"
mount --bind "$home/ray" /tmp/ray
ssh-keygen -q -t ed25519 -N '' -f "$home/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$home/key"
printf '%s\n' 'ListenAddress 127.0.0.1' "HostKey $home/host_key" "AuthorizedKeysFile $home/key.pub" \
  'StrictModes no' 'PermitRootLogin yes' 'UsePAM no' 'PidFile none' > "$home/sshd_config"
"$(command -v sshd)" -f "$home/sshd_config" -E "$home/sshd.log"
cd "$home/work"
set -x
"""
WALK = """
(umask 077 && ray get-auth-token --generate > /dev/null)
causalmer cluster template ray-up --head 127.0.0.1 --ssh-user root --ssh-key ~/key \\
  --activate {activate} --out cluster.yaml
causalmer cluster template submit-script --sweep tiny.yaml --storage {shared}/runs --data-root {shared}/data \\
  --activate {activate} --out submit_tiny.py
ray up --yes cluster.yaml
ray submit cluster.yaml submit_tiny.py -- --set seeds.first=7
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """The home folder of the host's user, who logs in there by ssh."""
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    allowed = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if allowed.returncode or os.geteuid():
        pytest.skip(f"needs namespaces of root: {allowed.stderr.strip()}")
    folder = Path(tempfile.mkdtemp(prefix="host-", dir="/tmp"))  # sockets have short names only
    (folder / "work").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / ".bashrc").write_text(f"export PATH={folder}/bin:$PATH\n")  # 'ray submit' calls 'python'
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_sweep_is_carried_to_a_cluster_that_ray_up_started(home: Path) -> None:
    write_sweep(home / "work", SHORTEST)
    activate = shlex.quote(f"export PATH={BIN}:$PATH")
    walk = HOST + WALK.format(shared=home / "shared", activate=activate)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"
    done = subprocess.run(
        [*NAMESPACES, "bash", "-c", walk, "bash", str(home)],
        env={**kept, "HOME": str(home), "PATH": path, "RAY_USAGE_STATS_ENABLED": "0", "TMPDIR": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "joined the cluster of" in done.stdout
    layout = SweepLayout(home / "shared" / "runs" / "tiny")
    assert layout.report.exists()
    assert load_spec(layout.spec).seeds.first == 7
