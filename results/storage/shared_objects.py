"""An object store as the place that the nodes of a cluster share (see `cluster.nodes.storage_probe`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from causalmer_core.basics.errors import UserError
from cluster.nodes.node_probe import ANOTHER_TEXT
from results.storage.object_uri import ObjectUri, parse_uri
from results.storage.objects import Objects
from results.storage.store_error import StoreError


class SharedObjects:
    """A folder on an object store, which each node enters with credentials of its own.

    Raises:
        UserError: it is no address of an object store.
    """

    def __init__(self, storage: str) -> None:
        self._uri = parse_uri(storage)

    @property
    def name(self) -> str:
        """Its address."""
        return str(self._uri)

    @property
    def remedy(self) -> str:
        """Credentials, and a way there."""
        return (
            "let it reach the endpoint, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (s3) or "
            "GOOGLE_APPLICATION_CREDENTIALS (gs) in the environment that its Ray was started in, or give its role the "
            "right"
        )

    @contextmanager
    def probed(self) -> Iterator[ObjectProbe]:
        """A new folder in it."""
        probe = ObjectProbe(self._uri / f".preflight-{secrets.token_hex(8)}")
        try:
            yield probe
        except BaseException:
            with suppress(StoreError):  # what is wrong with the store is being said already
                probe.remove_all()
            raise
        probe.remove_all()


class ObjectProbe:
    """A folder on an object store, tried by the very code that runs use. Each node asks the store anew.

    Attributes:
        uri: its address.
    """

    def __init__(self, uri: ObjectUri) -> None:
        self.uri = uri

    def write(self, name: str, text: str) -> str | None:
        """Write an object."""
        try:
            Objects(self.uri).put(name, text.encode())
        except UserError as error:
            return str(error)
        return None

    def read(self, name: str, text: str) -> str | None:
        """Read an object."""
        try:
            found = Objects(self.uri).get(name)
        except UserError as error:
            return str(error)
        if found is None:
            return "there is no such object"
        return None if found == text.encode() else ANOTHER_TEXT

    def remove_all(self) -> None:
        """Remove every object in it."""
        objects = Objects(self.uri)
        for name in objects.sizes(""):
            objects.delete(name)

    def is_locked(self) -> None:
        """A lock on an object store is an object: there is nothing beside writing and reading to try."""
