"""`launch.py test`: the checks, then each folder of tests in a process of its own, in two lanes side by side, then one summary."""

from __future__ import annotations

import os
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from modules.base.setup.checks import CHECKS, Outcome, run_check
from modules.base.setup.chromium import ADVICE, find_chromium, install_chromium
from modules.base.setup.console import Console
from modules.base.setup.processes import Run

NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Suite:
    """Tests that run in one process.

    Attributes:
        paths: What pytest gets; those that do not exist are left out.
        options: Further words for pytest.
    """

    name: str
    paths: tuple[str, ...]
    options: tuple[str, ...] = ()
    needs_chromium: bool = False


def _page_tests(first: str, last: str) -> Suite:
    others = "".join(letter for letter in ascii_lowercase if not first <= letter <= last)
    return Suite(f"browser {first}-{last}", ("tests/browser",), (f"--ignore-glob=*/test_[{others}]*.py",), needs_chromium=True)


SUITES: tuple[Suite, ...] = (  # the longest first: a lane that is free takes the next
    Suite("golden", ("tests/golden",), ("-s",)),  # they print each picture's PSNR with its limit
    Suite("unit", ("tests/unit", "tests/test_architecture.py"), ("-W", "error")),
    _page_tests("a", "d"),
    _page_tests("l", "r"),
    _page_tests("s", "z"),
    _page_tests("e", "k"),
    Suite("api", ("tests/api",)),
)
LANES = 2
SLOW_SUITE = Suite("bench", ("tests/bench",))


def run_tests(root: Path, python: Path, arguments: Sequence[str], console: Console, run: Run) -> int:
    """Run the whole suite, or only pytest when `arguments` holds words for it.

    Of suites that run side by side, one shows its lines as they come, another when it is over.

    Args:
        arguments: `--slow` adds the slow tests; anything else goes to pytest as it is.

    Returns:
        0 when everything passed.
    """
    is_slow = "--slow" in arguments
    words = [word for word in arguments if word != "--slow"]
    selection = ("-m", "" if is_slow else "not slow")
    if words:
        return run([str(python), "-m", "pytest", *selection, *words], cwd=root, env=_test_environment(os.environ, find_chromium()))
    chromium = find_chromium() or install_chromium(root, console, run)
    outcomes = [run_check(check, python, root, console, run) for check in CHECKS]
    env = _test_environment(os.environ, chromium)
    screen = threading.Lock()

    def run_suite(suite: Suite) -> Outcome:
        is_live = screen.acquire(blocking=False)
        try:
            return _run_suite(suite, root, python, selection, env, console, run, is_live)
        finally:
            if is_live:
                screen.release()

    with ThreadPoolExecutor(LANES) as side_by_side:
        outcomes.extend(side_by_side.map(run_suite, SUITES))
    if is_slow:
        outcomes.append(run_suite(SLOW_SUITE))  # alone: it measures
    return summarise(outcomes, console)


def summarise(outcomes: Sequence[Outcome], console: Console) -> int:
    """Print one table and the closing line; 0 when every outcome is good."""
    console.say("\nSummary")
    for outcome in outcomes:
        note = f"  {outcome.note}" if outcome.note else ""
        console.say(f"  {'ok    ' if outcome.is_good else 'FAILED'}  {outcome.name:<14} {outcome.seconds:6.1f} s{note}")
    failures = [outcome for outcome in outcomes if not outcome.is_good]
    for outcome in failures:
        console.say(f"  {outcome.name}: {outcome.advice}")
    passed, failed, skipped = (sum(outcome.counts[index] for outcome in outcomes) for index in range(3))
    if passed or failed or skipped:
        console.say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failures else 0


def _run_suite(
    suite: Suite, root: Path, python: Path, selection: Sequence[str], env: Mapping[str, str], console: Console, run: Run, is_live: bool
) -> Outcome:
    paths = [path for path in suite.paths if (root / path).exists()]
    if suite.needs_chromium and "PENTIMENTO_CHROMIUM" not in env:
        is_required = bool(env.get("CI"))
        return Outcome(suite.name, not is_required, 0.0, note="left out: no Chromium", advice=ADVICE)
    if not any(_holds_tests(root / path) for path in paths):
        return Outcome(suite.name, True, 0.0, note="no tests here")
    console.say(f"-- {suite.name} tests")
    start_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pentimento-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [str(python), "-m", "pytest", "-q", *selection, *suite.options, f"--junitxml={report}", *paths]
        held_back: list[str] = []
        status = run(command, cwd=root, env=env, on_line=None if is_live else held_back.append)
        counts = read_counts(report)
    if held_back:
        console.say("\n".join([f"-- {suite.name} tests, from their beginning", *held_back]))
    is_good = status == 0 or (status == NO_TESTS_COLLECTED and counts[1] == 0)
    note = "{} passed, {} failed, {} skipped".format(*counts) + ("" if is_good or counts[1] else f"; pytest ended with {status}")
    return Outcome(suite.name, is_good, time.monotonic() - start_s, note, f"python launch.py test {paths[0]} -x", counts)


def _holds_tests(path: Path) -> bool:
    return path.is_file() or any(path.rglob("test_*.py"))


def read_counts(report: Path) -> tuple[int, int, int]:
    """passed, failed, skipped out of pytest's JUnit report; zeros when pytest wrote none."""
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        return 0, 0, 0
    total, errors, failures, skipped = (
        sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "errors", "failures", "skipped")
    )
    return total - errors - failures - skipped, errors + failures, skipped


def _test_environment(current: Mapping[str, str], chromium: str | None) -> dict[str, str]:
    env = dict(current)
    if chromium:
        env["PENTIMENTO_CHROMIUM"] = chromium
    return env
