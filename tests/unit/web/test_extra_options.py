"""Options of extensions over HTTP: A1111's routes and the settings page's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from modules.settings.extra_options import EXTRA_OPTIONS, OptionInfo, options_section
from tests.unit.web.conftest import Pipeline


class CheckboxGroup:
    """Stands in for Gradio's: only the name counts."""


@pytest.fixture(autouse=True)
def extra() -> Iterator[None]:
    infos = {
        "web_number": OptionInfo(3, "Number", component_args={"minimum": 1, "maximum": 9}),
        "web_choice": OptionInfo(1, "Choice", component_args={"choices": [1, 2]}),
        "web_many": OptionInfo(["a"], "Many", CheckboxGroup, {"choices": ["a", "b"]}),
        "web_secret": OptionInfo("x", "Secret", restrict_api=True),
    }
    for name, info in options_section(("web", "Web things"), infos).items():
        EXTRA_OPTIONS.add(name, info)
    yield
    for name in infos:
        EXTRA_OPTIONS.remove(name)


def test_a1111s_routes_read_and_write_them(client: TestClient) -> None:
    assert client.get("/sdapi/v1/options").json()["web_number"] == 3
    assert client.post("/sdapi/v1/options", json=client.get("/sdapi/v1/options").json()).status_code == 200
    assert client.post("/sdapi/v1/options", json={"web_number": "5", "web_many": ["b"]}).status_code == 200
    read = client.get("/sdapi/v1/options").json()
    assert (read["web_number"], read["web_many"]) == (5, ["b"])
    for change in ({"web_number": 10}, {"web_secret": "y"}):
        assert client.post("/sdapi/v1/options", json=change).status_code == 422
    assert client.get("/sdapi/v1/options").json()["web_secret"] == "x"


def test_the_settings_page_has_them_in_their_section(client: TestClient) -> None:
    fields = {field["name"]: field for field in client.get("/api/settings").json()["fields"]}
    number, choice, many = fields["web_number"], fields["web_choice"], fields["web_many"]
    assert (number["section"], number["kind"], number["minimum"], number["has_effect"]) == ("Web things", "int", 1, True)
    assert [entry["value"] for entry in choice["choices"]] == ["1", "2"] and choice["value"] == choice["default"] == "1"
    assert (many["kind"], many["value"], many["help"]) == ("list", ["a"], "[a, b]")
    assert client.post("/api/settings", json={"web_choice": "2"}).json()["values"]["web_choice"] == 2
    wrong = client.post("/api/settings", json={"web_number": 0})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "web_number"


def test_a_request_overrides_them(client: TestClient, picture: str, pipeline: Pipeline) -> None:
    body = {"init_images": [picture], "override_settings": {"web_number": 7}}
    assert client.post("/sdapi/v1/img2img", json=body).status_code == 200
    assert pipeline.requests[-1].override_settings == {"web_number": 7}
