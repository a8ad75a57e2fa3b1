"""Face: A1111's `modules.api.models`: the requests and replies of the API, and what its star-import brings along."""

from __future__ import annotations

import inspect
from typing import Any, Literal, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

from modules.web.api.schemas import (
    ImageToImageResponse,
    PNGInfoRequest,
    PNGInfoResponse,
    ProgressResponse,
)
from modules.web.api.schemas import StableDiffusionProcessingImg2Img as StableDiffusionImg2ImgProcessingAPI
