"""What it means that an object store did not do what it was asked."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from causalmer_core.basics.errors import UserError

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
        "no credentials, or they do not allow it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (s3) or "
        "GOOGLE_APPLICATION_CREDENTIALS (gs) in the environment of every node, or give their role the right",
    ),
    (
        _NO_ANSWER,
        "the endpoint cannot be reached: check endpoint_override and scheme behind the '?', and the network",
    ),
)
"""By what stands in the words of pyarrow and of the providers' libraries, what that likely is."""


_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class StoreError(UserError, OSError):
    """An object store did not do what it was asked, also after the retries of the provider's library.

    By its number it counts as a fault of the machine (`causalmer_core.basics.faults`), whatever the reason is: an attempt that
    meets it ends as interrupted, and the run is tried again.

    Attributes:
        may_pass: whether the same question may be answered a moment later.
    """

    def __init__(self, message: str, *, may_pass: bool) -> None:
        super().__init__(message)
        self.errno = errno.EREMOTEIO
        self.may_pass = may_pass


def _without_secrets(text: str) -> str:
    for name in _SECRETS:
        if value := os.environ.get(name):
            text = text.replace(value, f"<{name}>")
    return text


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Within the block what a store refuses is said in our words.

    Args:
        what: such as `write s3://bucket/key`.

    Raises:
        StoreError: instead of pyarrow's errors; a missing file stays a `FileNotFoundError`.
    """
    try:
        yield
    except (FileNotFoundError, StoreError):
        raise
    except OSError as error:
        text = _without_secrets(str(error))
        likely = next((why for signs, why in _REASONS if _any(signs, text)), "")
        told = f"{likely} ({text})" if likely else text
        may_pass = not _any((*_NO_BUCKET, *_NO_RIGHT), text)
        raise StoreError(f"storage: cannot {what}: {told}", may_pass=may_pass) from error


def _any(signs: Iterable[str], text: str) -> bool:
    return any(sign in text for sign in signs)
