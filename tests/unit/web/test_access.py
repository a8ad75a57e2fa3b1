"""Logins and origins."""

from __future__ import annotations

import base64

import pytest

from modules.base.errors import InvalidRequest
from modules.settings.flags import Flags
from modules.web.access import AccessRules, Logins

HOME = "127.0.0.1:7860"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_logins_are_read_from_one_flag() -> None:
    logins = Logins.parse("--api-auth", "ann:secret, bob:with:colon")
    assert logins.check("ann", "secret") and logins.check("bob", "with:colon")
    assert not logins.check("ann", "Secret") and not logins.check("eve", "") and not logins.check("", "")
    assert not Logins.parse("--api-auth", None) and not Logins.parse("--api-auth", "")


def test_a_login_without_colon_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="--api-auth"):
        Logins.parse("--api-auth", "ann")


@pytest.mark.parametrize(
    "header", [None, "", " ", "Basic", "Basic ", "Basic ###", "Bearer abc", basic("ann"), basic("ann:wrong"), basic(":")]
)
def test_no_or_wrong_credentials_prove_nobody(header: str | None) -> None:
    assert Logins.parse("--api-auth", "ann:secret").user_of(header) is None


def test_basic_credentials_prove_a_user() -> None:
    logins = Logins.parse("--api-auth", "ann:secret,zoë:pä:ss")
    assert logins.user_of(basic("ann:secret")) == "ann"
    assert logins.user_of(basic("zoë:pä:ss").replace("Basic", "basic")) == "zoë"


def test_the_api_takes_the_pages_logins_where_it_has_none() -> None:
    assert AccessRules.from_flags(Flags(gradio_auth="ann:secret")).api.check("ann", "secret")
    own = AccessRules.from_flags(Flags(gradio_auth="ann:secret", api_auth="bob:word"))
    assert own.api.check("bob", "word") and not own.api.check("ann", "secret")
    assert not AccessRules.from_flags(Flags()).api


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({"host": HOME}, False),
        ({"host": HOME, "origin": f"http://{HOME}"}, False),
        ({"host": "localhost:7860", "origin": "http://localhost:7860"}, False),
        ({"host": "[::1]:7860", "origin": "http://[::1]:7860"}, False),
        ({"host": HOME, "origin": "https://evil.example"}, True),
        ({"host": HOME, "origin": "http://127.0.0.1:8000"}, True),
        ({"host": HOME, "origin": "null"}, True),
        ({"host": HOME, "origin": "https://studio.example", "x-forwarded-host": "studio.example"}, False),
        ({"host": "rebound.example:7860", "origin": "http://rebound.example:7860"}, True),
        ({"host": "rebound.example:7860"}, True),
        ({"host": "["}, True),
        ({"host": HOME, "origin": "http://["}, True),
    ],
)
def test_pages_of_other_hosts_cannot_act(headers: dict[str, str], is_refused: bool) -> None:
    rules = AccessRules.from_flags(Flags())
    assert (rules.refusal("POST", headers) is not None) is is_refused


def test_reading_is_left_to_the_browsers_own_rules() -> None:
    assert AccessRules.from_flags(Flags()).refusal("GET", {"host": HOME, "origin": "https://evil.example"}) is None


def test_a_refusal_says_how_to_allow() -> None:
    reason = AccessRules.from_flags(Flags()).refusal("POST", {"host": HOME, "origin": "https://other.example"})
    assert reason is not None and "--cors-allow-origins https://other.example" in reason


@pytest.mark.parametrize("allowed", ["https://other.example, null", "https://other.example/,null", "*"])
@pytest.mark.parametrize("origin", ["https://other.example", "null"])
def test_configured_origins_may_act(allowed: str, origin: str) -> None:
    assert AccessRules.from_flags(Flags(cors_allow_origins=allowed)).refusal("POST", {"host": HOME, "origin": origin}) is None


def test_an_open_program_has_any_name_but_not_any_origin() -> None:
    rules = AccessRules.from_flags(Flags(listen="0.0.0.0"))
    assert rules.refusal("POST", {"host": "studio.lan:7860", "origin": "http://studio.lan:7860"}) is None
    assert rules.refusal("POST", {"host": "studio.lan:7860", "origin": "http://evil.example"}) is not None
    assert not AccessRules.from_flags(Flags(listen="127.0.0.2")).is_open


@pytest.mark.parametrize(
    ("headers", "is_here"),
    [
        ({"host": HOME}, True),
        ({"host": HOME, "origin": f"http://{HOME}"}, True),
        ({"host": "localhost:7860"}, True),
        ({"host": HOME, "x-forwarded-for": "127.0.0.1"}, False),
        ({"host": HOME, "forwarded": "for=192.0.2.1"}, False),
        ({"host": HOME, "origin": "https://other.example"}, False),
        ({"host": HOME, "origin": "https://other.example", "x-forwarded-host": "other.example"}, False),
        ({"host": HOME, "origin": "null"}, False),
        ({"host": "other.example", "origin": "https://other.example"}, False),
        ({"host": "192.0.2.1:7860"}, False),
    ],
)
def test_what_runs_is_changed_from_this_machine_alone(headers: dict[str, str], is_here: bool) -> None:
    assert AccessRules.from_flags(Flags(cors_allow_origins="*")).is_from_here(headers) is is_here
    assert AccessRules.from_flags(Flags(listen="0.0.0.0")).is_from_here(headers) is False
