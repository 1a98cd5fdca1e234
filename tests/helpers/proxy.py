"""A way to a server on this machine that is encrypted, or that falls silent as one does whose other end is gone."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Passes bytes on in both directions, for a block.

    Args:
        port: of the server on this machine.
        encryption: what the proxy shows to those who connect; none: they connect in the clear.
        silent: the first connection whose request has these bytes gets the beginning of its answer and nothing more,
            and is not closed either; none: no connection does.

    Attributes:
        address: of the proxy.
        silenced: whether a connection was.
    """

    def __init__(
        self, port: int, *, encryption: ssl.SSLContext | None = None, silent: bytes | None = None
    ) -> None:
        self._port = port
        self._encryption = encryption
        self._silent = silent
        self.silenced = False
        proxy = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._pass_on(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        scheme = "http" if encryption is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass_on(self, near: socket.socket) -> None:
        if self._encryption is not None:
            try:
                near = self._encryption.wrap_socket(near, server_side=True)
            except ssl.SSLError:  # who does not trust the certificate hangs up
                return
        with near, socket.create_connection(("127.0.0.1", self._port)) as far:
            request = near.recv(65536)
            far.sendall(request)
            back = threading.Thread(target=self._answer, args=(far, near, self._is_silenced(request)))
            back.start()
            _pump(near, far)
            back.join()

    def _is_silenced(self, request: bytes) -> bool:
        if self.silenced or self._silent is None or self._silent not in request:
            return False
        self.silenced = True
        return True

    def _answer(self, far: socket.socket, near: socket.socket, silenced: bool) -> None:
        if not silenced:
            _pump(far, near)
            return
        near.sendall(far.recv(65536))
        while far.recv(65536):
            pass
        threading.Event().wait()  # it is not closed, either


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """To the end of what comes, and say that it was the end."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # one of the two has gone
        pass
