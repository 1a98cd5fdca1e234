"""Errors of object stores, with their likely causes in words."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.redaction import without_secrets
from results.storage.object_uri import WHERE_CREDENTIALS_GO

_NO_BUCKET = ("NO_SUCH_BUCKET",)
_NO_RIGHT = (
    *("ACCESS_DENIED", "HTTP status 401", "HTTP status 403", "INVALID_ACCESS_KEY_ID"),
    *("INVALID_CLIENT_TOKEN_ID", "SIGNATURE_DOES_NOT_MATCH", "UNRECOGNIZED_CLIENT"),
)
_NO_ANSWER = ("NETWORK_CONNECTION", "curlCode", "REQUEST_TIMEOUT")
_REASONS = (
    (_NO_BUCKET, "there is no such bucket; make it, or mend its name"),
    (
        _NO_RIGHT,
        f"no credentials, or they do not allow it: {WHERE_CREDENTIALS_GO}",
    ),
    (
        _NO_ANSWER,
        "the endpoint cannot be reached: check endpoint_override and scheme behind the '?', and the network",
    ),
)
"""The likely causes, by texts in the messages of pyarrow and of the providers' libraries."""


class StoreError(UserError, OSError):
    """A request to an object store failed, even after the retries of the provider's library.

    Its `errno` makes it a fault of the machine (`causalmer_core.basics.faults`) for every cause. An attempt with this
    error ends as interrupted, and the run is tried again.

    Attributes:
        may_pass: whether the same request may succeed a moment later.
    """

    def __init__(self, message: str, *, may_pass: bool) -> None:
        super().__init__(message)
        self.errno = errno.EREMOTEIO
        self.may_pass = may_pass


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn pyarrow's errors within the block into `StoreError`, with the likely cause in words.

    Args:
        what: the request, such as `write s3://bucket/key`.

    Raises:
        StoreError: the request failed.
        FileNotFoundError: an object does not exist.
    """
    try:
        yield
    except (FileNotFoundError, StoreError):
        raise
    except OSError as error:
        text = without_secrets(str(error))
        likely = next((why for signs, why in _REASONS if _any(signs, text)), "")
        reason = f"{likely} ({text})" if likely else text
        may_pass = not _any((*_NO_BUCKET, *_NO_RIGHT), text)
        raise StoreError(f"storage: cannot {what}: {reason}", may_pass=may_pass) from error


def _any(signs: Iterable[str], text: str) -> bool:
    return any(sign in text for sign in signs)
