"""Texts that repeat another program's words repeat no credentials."""

from __future__ import annotations

import pytest
from canaries import CANARIES, PROXIES, SECRETS

from causalmer_core.basics.redaction import without_secrets


@pytest.mark.parametrize("name", [name for name in CANARIES if name != "GOOGLE_APPLICATION_CREDENTIALS"])
def test_a_secret_of_the_environment_is_replaced_by_its_name(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, CANARIES[name])
    assert without_secrets(f"refused: {CANARIES[name]}!") == f"refused: <{name}>!"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/p failed", "https://<credentials>@host/p failed"),
        ("https://token@host", "https://<credentials>@host"),
        ("postgresql://user:p@ss@host/db", "postgresql://<credentials>@host/db"),
        ("gs://anonymous@bucket/p", "gs://anonymous@bucket/p"),
        ("http://host/p?to=a@b", "http://host/p?to=a@b"),
    ],
)
def test_the_user_and_the_password_of_an_address_are_left_out(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_the_password_of_a_proxy_is_left_out() -> None:
    assert not any(secret in without_secrets(f"no answer from {PROXIES['HTTP_PROXY']}") for secret in SECRETS)


def test_of_two_secrets_of_which_one_begins_the_other_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_KEY", "canary-key")
    monkeypatch.setenv("B_KEY", "canary-key-longer")
    assert without_secrets("canary-key-longer canary-key") == "<B_KEY> <A_KEY>"


def test_places_and_short_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")
    monkeypatch.setenv("USE_TOKEN", "true")
    monkeypatch.setenv("MONKEY", "long enough")
    text = "/var/run/token true long enough"
    assert without_secrets(text) == text
