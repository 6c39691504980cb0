"""An OpenID Connect provider that runs in the test, and people who sign in there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the provider itself is built on
    import oidc_provider_mock

QUIET = "ignore:get_jwt_config"
"""A warning of what the provider is built on, raised in its thread while a test runs."""
AUDIENCE = "bornier"
BACK = "http://localhost/back"


class Provider(NamedTuple):
    """Where it is, and its port, to begin it again with another key."""

    url: str
    port: int

    def sign_in(self, person: str, audience: str = AUDIENCE, **claims: Any) -> str:
        """The ID token of somebody, by the authorization code flow."""
        with httpx.Client(base_url=self.url) as client:
            client.put(f"/users/{person}", json=claims).raise_for_status()
            asked = {"client_id": audience, "redirect_uri": BACK, "response_type": "code", "scope": "openid profile"}
            answer = client.post("/oauth2/authorize", params=asked, data={"sub": person})
            code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
            told = client.post("/oauth2/token", data=form, auth=(audience, "secret"))
            token: str = told.json()["id_token"]
            return token


@contextmanager
def provider(port: int = 0, lives: timedelta = timedelta(hours=1)) -> Iterator[Provider]:
    """A fresh one has a fresh key."""
    with oidc_provider_mock.run_server_in_thread(port=port, access_token_max_age=lives) as server:
        yield Provider(f"http://localhost:{server.server_port}", server.server_port)
