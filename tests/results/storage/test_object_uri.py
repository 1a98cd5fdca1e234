"""Addresses on object stores: what is taken, what is refused, and that no refusal repeats a secret."""

from __future__ import annotations

import pytest

from results.storage.object_uri import ObjectUriError, is_uri, parse_uri


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/some/prefix",
        "s3://bucket",
        "s3://bucket/p?endpoint_override=127.0.0.1:9000&scheme=http",
        "gs://bucket/p",
        "gs://anonymous@bucket/p",
    ],
)
def test_an_address_is_shown_as_it_was_given(text: str) -> None:
    assert is_uri(text)
    assert str(parse_uri(text)) == text


def test_names_go_before_the_options() -> None:
    uri = parse_uri("s3://bucket/p/?scheme=http") / "sweep" / "runs"
    assert str(uri) == "s3://bucket/p/sweep/runs?scheme=http"
    assert (uri.name, str(uri.parent)) == ("runs", "s3://bucket/p/sweep?scheme=http")


@pytest.mark.parametrize("text", ["causalmer_runs", "/abs/runs", "./s3", "a:b"])
def test_paths_are_no_addresses(text: str) -> None:
    assert not is_uri(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s4://bucket/p", "unknown scheme 's4:'; allowed a folder, s3://bucket/prefix"),
        ("http://host/p", "unknown scheme 'http:'"),
        ("s3:/bucket/p", "has no bucket; allowed s3://BUCKET/PREFIX"),
        ("s3:///p", "has no bucket"),
        ("s3://bucket/p?endpoint_overide=x", "unknown option (did you mean 'endpoint_override'?)"),
        ("s3://bucket/p#x", "has a '#'"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(text: str, said: str) -> None:
    with pytest.raises(ObjectUriError) as caught:
        parse_uri(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3://key:canary-secret@bucket/p",
        "s3://canary-secret@bucket/p",
        "gs://user:canary-secret@bucket/p",
        "s3://bucket/p?secret_key=canary-secret",
        "s3://bucket/p?canary-secret=1",
        "s3://bucket/p?endpoint_override=key:canary-secret@host",
    ],
)
def test_credentials_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ObjectUriError) as caught:
        parse_uri(text)
    assert "canary-secret" not in str(caught.value)
