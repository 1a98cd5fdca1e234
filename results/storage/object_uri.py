"""Addresses of folders on object stores, such as `s3://bucket/prefix` and `gs://bucket/prefix`.

An address may end in options: `s3://bucket/prefix?endpoint_override=HOST:PORT&scheme=http`. Addresses are those of
pyarrow's `FileSystem.from_uri`, without credentials, because an address is shown, recorded and sent to other nodes. An
address is checked before the first request to a store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from causalmer_core.basics.errors import UserError, did_you_mean

OPTIONS = {
    "s3": ("endpoint_override", "scheme", "region", "force_virtual_addressing", "tls_ca_file_path"),
    "gs": ("endpoint_override", "scheme", "project_id", "retry_limit_seconds"),
}
"""The options after the `?`, by scheme. They are passed on to pyarrow."""

WHERE_CREDENTIALS_GO = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (s3) or GOOGLE_APPLICATION_CREDENTIALS (gs) in the environment "
    "that each node's Ray is started in, or give the node a credentials file or a role with the right"
)
"""The remedy for missing credentials. A sweep sends none to other nodes, because Ray would write them into its logs."""

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/")
_ALLOWED = "a folder, s3://bucket/prefix or gs://bucket/prefix"


class ObjectUriError(UserError):
    """A text is not the address of a folder on an object store.

    Attributes:
        what: the mistake, without parts of the text that may be secret.
        allowed: the allowed addresses.
    """

    def __init__(self, what: str, allowed: str) -> None:
        super().__init__(f"{what}; allowed {allowed}")
        self.what, self.allowed = what, allowed


@dataclass(frozen=True, slots=True)
class ObjectUri:
    """A folder on an object store.

    Attributes:
        scheme: `s3` or `gs`.
        bucket: the bucket, or `anonymous@bucket` for anonymous access to Google's store.
        key: the folder in the bucket, without slashes at its ends. Empty: the whole bucket.
        query: the options, as given.
    """

    scheme: str
    bucket: str
    key: str
    query: str = ""

    def __truediv__(self, name: str) -> ObjectUri:
        """The file or folder `name` in this folder."""
        return replace(self, key=f"{self.key}/{name}" if self.key else name)

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> ObjectUri:
        """The folder that contains this one."""
        return replace(self, key=self.key.rpartition("/")[0])

    def __str__(self) -> str:
        place = f"{self.scheme}://{self.bucket}" + (f"/{self.key}" if self.key else "")
        return place + (f"?{self.query}" if self.query else "")


def is_uri(text: str) -> bool:
    """Whether a text has the form of an address, not of a local path."""
    return _SCHEME.match(text) is not None


def parse_uri(text: str) -> ObjectUri:
    """The address in a text.

    Raises:
        ObjectUriError: the text is not a usable address. The message never repeats credentials.
    """
    match = _SCHEME.match(text)
    scheme = match["scheme"].lower() if match else ""
    if scheme not in OPTIONS:
        raise ObjectUriError(
            f"unknown scheme {scheme + ':'!r}{did_you_mean(scheme, OPTIONS)}",
            _ALLOWED,
        )
    parts = urlsplit(text)
    if "@" in text.removeprefix("gs://anonymous@"):
        raise ObjectUriError(
            "has credentials in it, which every record would show",
            f"an address without them; {WHERE_CREDENTIALS_GO}",
        )
    if not text[len(scheme) :].startswith("://") or not parts.netloc:
        raise ObjectUriError("has no bucket", f"{scheme}://BUCKET/PREFIX")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in OPTIONS[scheme]:
            raise ObjectUriError(
                f"has an unknown option{did_you_mean(name, OPTIONS[scheme])}",
                f"behind the '?': {', '.join(OPTIONS[scheme])}",
            )
    if parts.fragment:
        raise ObjectUriError("has a '#' in it", _ALLOWED)
    return ObjectUri(scheme, parts.netloc, parts.path.strip("/"), parts.query)
