"""What `python launch.py` does, from the first line to the running program."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modules.base.errors import PentimentoError
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.base.setup.checks import CHECKS, run_check
from modules.base.setup.console import Console
from modules.base.setup.desktop import announce_when_up, has_desktop, is_taken
from modules.base.setup.environment import MARK, Environment, carry_out, enter, plan_setup
from modules.base.setup.fetching import fetch_wanted
from modules.base.setup.processes import Run, run
from modules.base.setup.quick_import import skip_gradio_stubs
from modules.base.setup.requirements import RUNTIME, TEST
from modules.base.setup.suite import run_tests, summarise

ROOT = Path(__file__).resolve().parents[3]
SERVE = "serve"
VERBS = {
    "test": "run all checks and tests (--slow for the long ones too; anything else goes to pytest)",
    "check": "run the checks on the source alone: format, lint, types, floors",
    "img2img": "repaint one picture or a folder without a page (img2img --help)",
    "layers": "take pictures apart into layers, compose them, render templates for a table (layers --help)",
    "workflow": "look at ComfyUI's workflows, and run them (workflow --help)",
    "doctor": "look at this installation, or at the folder of an A1111 or Forge one, and say what is wrong (doctor --help)",
    "extensions": "list, add, install, enable, disable and remove extensions (extensions --help)",
    "models": "list and fetch models that workflows name, licence first (models --help)",
    "fetch": "get a large file that not everybody needs, such as another upscaler (without a name: list them)",
    "bench": "run the timings of tests/bench, or those named",
}
SKIP_INSTALL = "--skip-install"
PRELOAD = "preload.py"
INTERRUPTED = 130


def start(argv: Sequence[str]) -> int:
    """Set up what is missing, enter the environment, and run the verb.

    Returns:
        The exit status; 130 after Ctrl-C.
    """
    console = Console()
    verb, arguments = split_verb(argv)
    if verb == SERVE and {"-h", "--help"} & set(arguments):
        console.say(usage())
        return 0
    try:
        if _is_inside():
            return run_verb(verb, arguments, console)
        # Ended by its parent, set-up must not leave pip behind; the handler is gone again after the re-execution.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if verb == SERVE:
            _check_flags(arguments)
        environment = Environment(ROOT)
        prepare(environment, verb, arguments, console, run)
        return enter(environment, ROOT / "launch.py", argv)
    except PentimentoError as error:
        console.say(str(error))
        return 1
    except KeyboardInterrupt:
        console.say("Stopped.")
        return INTERRUPTED


def split_verb(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The verb (the first word, if it is one) and the words after it."""
    if argv and argv[0] in VERBS:
        return argv[0], list(argv[1:])
    return SERVE, list(argv)


def groups_for(verb: str) -> tuple[str, ...]:
    """Package groups that a verb needs."""
    return (RUNTIME, TEST) if verb in ("test", "check", "bench") else (RUNTIME,)


def prepare(environment: Environment, verb: str, arguments: Sequence[str], console: Console, run: Run) -> None:
    """Bring environment and assets up to date; does nothing, and no network work, when they are."""
    if SKIP_INSTALL in arguments and environment.is_whole:
        return
    plan = plan_setup(environment, groups_for(verb))
    if not plan.is_empty:
        carry_out(plan, environment, console, run)


def usage() -> str:
    """The text of `--help`, verbs first."""
    lines = ["usage: launch.py [verb] [flags]", "", "Without a verb: open the studio. Verbs:"]
    lines += [f"  {name:<10} {text}" for name, text in VERBS.items()]
    build_parser: Any = load_dotted("modules.settings.flags:build_parser")
    return (
        "\n".join(lines)
        + "\n\nFlags of the studio:\n"
        + build_parser().format_help().partition("\n\n")[2].partition("options:\n")[2].rstrip()
    )


def run_verb(verb: str, arguments: list[str], console: Console) -> int:
    """Run `verb` inside the environment."""
    verbs: dict[str, Callable[[list[str], Console], int]] = {
        SERVE: _serve,
        "test": lambda words, console: run_tests(ROOT, Path(sys.executable), words, console, run),
        "check": _check,
        "img2img": _img2img,
        "layers": _layers,
        "workflow": _workflow,
        "doctor": _doctor,
        "extensions": _extensions,
        "models": _models,
        "fetch": lambda words, console: fetch_wanted(words, ROOT, Path(sys.executable), console, run),
        "bench": _bench,
    }
    return verbs[verb](arguments, console)


def _is_inside() -> bool:
    return os.environ.get(MARK) == "1" and Environment(ROOT).is_current


def _parse_flags(arguments: list[str]) -> Any:
    parse_flags: Any = load_dotted("modules.settings.flags:parse_flags")
    return parse_flags(arguments)


def _check_flags(arguments: list[str]) -> None:
    """Exit early on a wrong command line; where extensions add flags of their own, this is only known once they were asked."""
    parse_known_flags: Any = load_dotted("modules.settings.flags:parse_known_flags")
    extensions = Paths.under(ROOT, parse_known_flags(arguments).data_dir).extensions
    if not any(extensions.glob(f"*/{PRELOAD}")):
        _parse_flags(arguments)


def _serve(arguments: list[str], console: Console) -> int:
    parse_with_preloads: Any = load_dotted("modules.plugins.preloading:parse_with_preloads")
    flags = parse_with_preloads(arguments, ROOT)
    configure_logging(flags.loglevel)
    skip_gradio_stubs()
    main: Any = load_dotted("modules.web.server:main")
    opens_browser = not flags.no_browser and not flags.nowebui and has_desktop()
    if flags.port and not is_taken(flags.host, flags.port):
        announce_when_up(flags.host, flags.port, console, opens_browser)
    return int(main(flags, Paths.under(ROOT, flags.data_dir)) or 0)


def _img2img(arguments: list[str], console: Console) -> int:
    skip_gradio_stubs()  # scripts that take part in the job import it
    main: Any = load_dotted("modules.cli.img2img:main")
    return int(main(arguments) or 0)


def _layers(arguments: list[str], console: Console) -> int:
    skip_gradio_stubs()  # scripts that take part in the job import it
    main: Any = load_dotted("modules.cli.layers:main")
    return int(main(arguments) or 0)


def _workflow(arguments: list[str], console: Console) -> int:
    skip_gradio_stubs()  # scripts that take part in the job import it
    main: Any = load_dotted("modules.cli.workflow:main")
    return int(main(arguments) or 0)


def _doctor(arguments: list[str], console: Console) -> int:
    main: Any = load_dotted("modules.cli.migration.command:main")
    return int(main(arguments) or 0)


def _extensions(arguments: list[str], console: Console) -> int:
    main: Any = load_dotted("modules.cli.extensions:main")
    return int(main(arguments) or 0)


def _models(arguments: list[str], console: Console) -> int:
    main: Any = load_dotted("modules.cli.models:main")
    return int(main(arguments) or 0)


def _check(arguments: list[str], console: Console) -> int:
    return summarise([run_check(check, Path(sys.executable), ROOT, console, run) for check in CHECKS], console)


def _bench(arguments: list[str], console: Console) -> int:
    folder = ROOT / "tests" / "bench"
    scripts = [path for path in sorted(folder.glob("bench_*.py")) if not arguments or path.stem.removeprefix("bench_") in arguments]
    if not scripts:
        names = ", ".join(path.stem.removeprefix("bench_") for path in sorted(folder.glob("bench_*.py")))
        console.say(f"No such bench: {' '.join(arguments) or 'none written yet'}. There are: {names or 'none'}.")
        return 1
    failed = []
    for script in scripts:
        console.say(f"-- {script.stem}")
        if run([sys.executable, str(script)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) != 0:
            failed.append(script.stem)
    if failed:
        console.say(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0
