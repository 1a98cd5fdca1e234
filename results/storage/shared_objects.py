"""An object store as the shared place of a cluster's nodes (see `cluster.nodes.storage_probe`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from causalmer_core.basics.errors import UserError
from cluster.nodes.node_probe import ANOTHER_TEXT
from results.storage.object_uri import WHERE_CREDENTIALS_GO, ObjectUri, parse_uri
from results.storage.objects import Objects
from results.storage.store_error import StoreError


class SharedObjects:
    """A folder on an object store. Each node uses its own credentials.

    Args:
        storage: the address.

    Raises:
        UserError: the text is not the address of an object store.
    """

    def __init__(self, storage: str) -> None:
        self._uri = parse_uri(storage)

    @property
    def name(self) -> str:
        """The address."""
        return str(self._uri)

    @property
    def remedy(self) -> str:
        """The likely fix for a node that cannot use the store."""
        return f"let it reach the endpoint, and {WHERE_CREDENTIALS_GO}"

    @contextmanager
    def probed(self) -> Iterator[ObjectProbe]:
        """A new folder for the probe, which is removed after the block."""
        probe = ObjectProbe(self._uri / f".preflight-{secrets.token_hex(8)}")
        try:
            yield probe
        except BaseException:
            with suppress(StoreError):  # the first error is reported, not its consequence
                probe.remove_all()
            raise
        probe.remove_all()


class ObjectProbe:
    """A probe of a folder on an object store, with the code that runs use. Each node sends its own requests.

    Attributes:
        uri: the folder's address.
    """

    def __init__(self, uri: ObjectUri) -> None:
        self.uri = uri

    def write(self, name: str, text: str) -> str | None:
        """Write an object. Returns the error in words, or None."""
        try:
            Objects(self.uri).put(name, text.encode())
        except UserError as error:
            return str(error)
        return None

    def read(self, name: str, text: str) -> str | None:
        """Read an object and compare its text. Returns the error in words, or None."""
        try:
            found = Objects(self.uri).get(name)
        except UserError as error:
            return str(error)
        if found is None:
            return "there is no such object"
        return None if found == text.encode() else ANOTHER_TEXT

    def remove_all(self) -> None:
        """Remove every object in the folder."""
        objects = Objects(self.uri)
        for name in objects.sizes(""):
            objects.delete(name)

    def is_locked(self) -> None:
        """None: a lock on an object store is an object, so writing and reading already test it."""
