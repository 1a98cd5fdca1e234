"""A real server that speaks S3, on a free port of the loopback interface: moto's, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs

BUCKET = "records"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "canary-key",
    "AWS_SECRET_ACCESS_KEY": "canary-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_PATIENCE = 60.0


class ObjectServer:
    """The server, with a bucket in it.

    Attributes:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def options(self) -> str:
        """What stands behind the `?` of its addresses."""
        return f"endpoint_override=127.0.0.1:{self.port}&scheme=http"

    def uri(self, key: str, bucket: str = BUCKET) -> str:
        """The address of a key."""
        return f"s3://{bucket}/{key}?{self.options}"

    @property
    def files(self) -> fs.S3FileSystem:
        """All that it holds; names begin with the bucket's."""
        return fs.S3FileSystem(
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            allow_bucket_creation=True,
            allow_bucket_deletion=True,
        )

    def names(self, key: str) -> list[str]:
        """The objects below a key, without it."""
        start = f"{BUCKET}/{key}/"
        found = self.files.get_file_info(fs.FileSelector(start, recursive=True, allow_not_found=True))
        return sorted(info.path.removeprefix(start) for info in found if info.is_file)

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        with self.files.open_input_stream(f"{BUCKET}/{key}") as stream:
            return stream.read()

    def move_away(self, place: str, folder: Path) -> None:
        """Take the bucket away, and keep what lies at a place in it."""
        fs.copy_files(
            place, str(folder), source_filesystem=self.files, destination_filesystem=fs.LocalFileSystem()
        )
        self.files.delete_dir(BUCKET)

    def put_back(self, place: str, folder: Path) -> None:
        """Undo `move_away`."""
        self.files.create_dir(BUCKET)
        fs.copy_files(
            str(folder), place, source_filesystem=fs.LocalFileSystem(), destination_filesystem=self.files
        )


@contextmanager
def object_server(port: int = 0) -> Iterator[ObjectServer]:
    """The server within the block, on a free port unless one is given; the environment must have `CREDENTIALS`."""
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        _wait_for(port, process)
        server = ObjectServer(port)
        server.files.create_dir(BUCKET)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        assert process.poll() is None, "the server did not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return
