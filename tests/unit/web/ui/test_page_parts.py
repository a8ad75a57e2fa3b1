from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

from modules.base.errors import InvalidRequest, MissingModel
from modules.runtime.jobs import Job, JobState
from modules.web.ui.boot import Boot
from modules.web.ui.controls.size import fitting_size, image_size
from modules.web.ui.messages import Told, explain
from modules.web.ui.status import clock, describe
from modules.web.ui.texts import Texts

TEXTS = Texts.load()


def test_sizes_are_multiples_of_eight_and_keep_proportions() -> None:
    assert image_size(451, 300) == (448, 304)
    assert image_size(8000, 4000) == (2048, 1024)
    assert fitting_size(4000, 3000, 256) == (296, 224)
    assert fitting_size(20_000, 10, 256)[1] == 64


def test_errors_are_explained_in_the_language() -> None:
    assert explain(TEXTS, "zh-CN", Told("error.no_picture")).startswith("请先打开")
    assert explain(TEXTS, "en", InvalidRequest("steps", 0, "1 … 150")) == "Steps: 0 cannot be used; wanted is 1 … 150."
    assert explain(TEXTS, "en", MissingModel("no checkpoint at all")) == "no checkpoint at all"
    unforeseen = explain(TEXTS, "en", RuntimeError("inside"), "abc")
    assert "inside" not in unforeseen and "abc" in unforeseen


def test_a_job_is_described_and_its_words_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e9)
    job = Job("me", None)
    assert "Waiting, 2 before" in describe(TEXTS, "en", job, waiting=2)
    job.state, job.textinfo = JobState.RUNNING, "<b>x</b>"
    assert "&lt;b&gt;x" in describe(TEXTS, "en", job)
    job.textinfo, job.images, job.steps, job.step = None, 1, 20, 5
    assert "Step 5 of 20" in describe(TEXTS, "en", job)
    job.textinfo, job.images, job.image_no, job.began_s = "3 out of 9", 9, 2, 1e9 - 22
    assert "picture 3 of 9 · Step 5 of 20 · 1 min 6 s left" in re.sub("<[^>]*>", "", describe(TEXTS, "en", job))
    job.textinfo = "my own words"
    assert "picture 3 of 9 · my own words · Step 5" in re.sub("<[^>]*>", "", describe(TEXTS, "en", job))
    job.finish(JobState.FAILED, error=InvalidRequest("prompt", "<script>", "less"))
    assert "<script>" not in describe(TEXTS, "en", job)


def test_times_read_as_one_says_them() -> None:
    assert clock(TEXTS, "en", 4.16) == "4.2 s"
    assert clock(TEXTS, "en", 59.7) == "1 min 0 s"
    assert clock(TEXTS, "zh-CN", 200) == "3 分 20 秒"


def test_the_boot_script_comes_first_and_knows_the_language() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"46")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'<html lang="en"><head><tit', "more_body": True})
        await send({"type": "http.response.body", "body": b"le></head></html>"})

    sent: list[Any] = []

    async def collect(message: Any) -> None:
        sent.append(message)

    headers = [(b"cookie", b"pentimento_language=zh-CN; other=1"), (b"accept-language", b"en")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(Boot(app, "go(LANGUAGE)")(scope, None, collect))  # type: ignore[arg-type]
    body = sent[1]["body"]
    assert body.startswith(b'<html lang="zh-CN"><head><script>') and b'"zh-CN"' in body
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(body)).encode()


def test_the_option_of_a_language_counts_where_none_was_picked() -> None:
    seen: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"])[b"accept-language"])

    for chosen in ("Automatic", "zh-CN"):
        scope = {"type": "http", "method": "POST", "path": "/any", "headers": [(b"accept-language", b"en")]}
        asyncio.run(Boot(app, "", localization=lambda chosen=chosen: chosen)(scope, None, None))  # type: ignore[arg-type, misc]
    assert seen == [b"en", b"zh-CN"]
