"""A1111's flags."""

from __future__ import annotations

import pytest

from modules.settings.flags import parse_flags


def test_defaults_stay_on_this_machine() -> None:
    flags = parse_flags([])
    assert (flags.host, flags.port, flags.api) == ("127.0.0.1", 7860, True)


@pytest.mark.parametrize(("argv", "host"), [(["--listen"], "0.0.0.0"), (["--listen", "192.0.2.1"], "192.0.2.1")])
def test_listening_beyond_is_asked_for(argv: list[str], host: str) -> None:
    assert parse_flags(argv).host == host


def test_flags_that_change_nothing_are_accepted() -> None:
    assert parse_flags(["--api"]) == parse_flags([])


@pytest.mark.parametrize("argv", [["--port", "99999"], ["--port", "web"], ["--no-such-flag"], ["--loglevel", "LOUD"]])
def test_a_wrong_flag_ends_with_its_name(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_flags(argv)
    assert argv[0] in capsys.readouterr().err
