"""Extensions add flags to the command line; a broken preload.py costs nobody the start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.plugins.callbacks import CALLBACKS
from modules.plugins.loader import ScriptLibrary
from modules.plugins.preloading import parse_with_preloads

ROOT = Path(__file__).resolve().parents[3]
ADDS = """
def preload(parser):
    parser.add_argument('--wish-dir', type=str, default='wishes')
    parser.add_argument('--wish-on', action='store_true')
"""
CLASH = "def preload(parser):\n    parser.add_argument('--before-clash', default=3)\n    parser.add_argument('--port')"


def write(data: Path, name: str, text: str) -> None:
    file = data / "extensions" / name / "preload.py"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")


def test_flags_of_extensions_are_parsed_beside_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "wisher", ADDS)
    write(tmp_path, "clash", CLASH)
    write(tmp_path, "broken", "raise SystemExit(3)")
    write(tmp_path, "empty", "")
    flags = parse_with_preloads(["--data-dir", str(tmp_path), "--wish-dir", "here", "--port", "7"], ROOT)
    assert (flags.wish_dir, flags.wish_on, flags.before_clash, flags.port) == ("here", False, 3, 7)
    assert dict(flags.extra) == {"wish_dir": "here", "wish_on": False, "before_clash": 3}
    assert "of extension broken failed" in caplog.text and "of extension clash failed" in caplog.text
    assert getattr(flags, "wish", None) is None
    told = {(Path(entry.file).parent.name, entry.hook): entry.reason for entry in CALLBACKS.broken if entry.file.startswith(str(tmp_path))}
    assert told[("broken", "preload")] == "SystemExit: 3" and "--port" in told[("clash", "preload")]
    shown = {(entry.basedir, entry.stage) for entry in ScriptLibrary(list).broken}
    assert (tmp_path / "extensions" / "clash", "preload") in shown  # though it has no scripts
    CALLBACKS.broken[:] = [entry for entry in CALLBACKS.broken if not entry.file.startswith(str(tmp_path))]


@pytest.mark.parametrize("off", ["--safe", "--disable-extra-extensions", "settings"])
def test_what_does_not_run_adds_no_flags(tmp_path: Path, off: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "wisher", ADDS)
    if off == "settings":
        (tmp_path / "config.json").write_text('{"disabled_extensions": ["wisher"]}')
    words = ["--data-dir", str(tmp_path), "--wish-on"] + ([off] if off != "settings" else [])
    with pytest.raises(SystemExit):
        parse_with_preloads(words, ROOT)
    assert "--wish-on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "odd", [{"disabled_extensions": [[1], None, "clash"]}, {"disable_all_extensions": []}, {"disabled_extensions": 3}, 7]
)
def test_odd_settings_cost_nobody_the_start(tmp_path: Path, odd: object) -> None:
    write(tmp_path, "wisher", ADDS)
    (tmp_path / "config.json").write_text(json.dumps(odd))
    assert parse_with_preloads(["--data-dir", str(tmp_path), "--wish-on"], ROOT).wish_on is True
