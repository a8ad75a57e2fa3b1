"""What a body of the API becomes."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

from PIL import Image

from modules.plugins.runner import ScriptRunner
from modules.settings.options import Options
from modules.web.api.img2img import build_request
from modules.web.api.schemas import StableDiffusionProcessingImg2Img


def test_scripts_can_tell_that_the_api_asks() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    body = StableDiffusionProcessingImg2Img(init_images=[base64.b64encode(buffer.getvalue()).decode()], steps=3)
    session = SimpleNamespace(options=SimpleNamespace(current=Options()), scripts=ScriptRunner())
    request = build_request(body, session, None)  # type: ignore[arg-type]
    assert request.is_api and request.steps == 3 and request.script_args == [0]
