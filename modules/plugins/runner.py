"""One loop that calls scripts; a script that raises is named, logged and skipped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError, ScriptFailed
from modules.plugins.callback_order import ORDER
from modules.plugins.guard import MOST_FAULTS, describe, is_result, keep_whole
from modules.plugins.hook_arguments import OnComponent
from modules.plugins.hooks import HOOK_NAMES, SCRIPT_HOOKS
from modules.plugins.script import Processing, Script, has_hook

logger = logging.getLogger(__name__)

PAGE_ONLY = frozenset({"extra options", "refiner", "sampler", "seed", "hypertile"})
"""A1111's always-on scripts that only lay out its page: clients name them, and their values change nothing over its API either."""

ARGUMENTS = {hook.name: [word.strip() for word in hook.signature.split(",")] for hook in SCRIPT_HOOKS}


@dataclass(frozen=True)
class FailedHook:
    """A script that failed in a hook; `reason` is the error in one line."""

    script: Script
    hook: str
    reason: str


class ScriptRunner:
    """The scripts of one tab, and where their control values lie in `script_args`.

    `script_args[0]` is the index of the selected script (0 = none, 1 = the first); each script owns a slice after it.

    Args:
        selectable: Scripts of the dropdown.
        alwayson: Scripts that take part in every job.
        defaults: Default control values a script starts with, by title; else those of its controls.

    Attributes:
        failed: Scripts that failed in a hook so far, each fault once, at most `MOST_FAULTS` of a hook. They go on being called.
    """

    def __init__(
        self, selectable: Sequence[Script] = (), alwayson: Sequence[Script] = (), defaults: Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        self.selectable_scripts = list(selectable)
        self.alwayson_scripts = list(alwayson)
        self.failed: list[FailedHook] = []
        self._listed: list[Script] | None = None
        self._default_args: list[Any] = [0]
        self.lay_out(defaults)

    def __getattr__(self, name: str) -> Any:
        """Hooks by name, as scripts call them on `p.scripts`: `p.scripts.process(p)`."""
        if name in HOOK_NAMES:
            return partial(self._dispatch_in_order, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def scripts(self) -> list[Script]:
        """All: always-on ones first, as their values lie in `script_args`; or what somebody set in their place, which changes no job."""
        return [*self.alwayson_scripts, *self.selectable_scripts] if self._listed is None else self._listed

    @scripts.setter
    def scripts(self, scripts: Sequence[Script]) -> None:
        self._listed = list(scripts)

    def lay_out(self, defaults: Mapping[str, Sequence[Any]] | None = None) -> None:
        """Give each script its slice of `script_args`; again when their controls were built."""
        self._default_args = [0]
        for script in self.scripts:
            values = list((defaults or {}).get(title_of(script), [control.start for control in script.control_values]))
            script.args_from = len(self._default_args)
            self._default_args.extend(values)
            script.args_to = len(self._default_args)

    @property
    def titles(self) -> list[str]:
        return [title_of(script) for script in self.selectable_scripts]

    @property
    def title_map(self) -> dict[str, Script]:
        """All, by title in lower case."""
        return {title_of(script).lower(): script for script in self.scripts}

    @property
    def inputs(self) -> list[Any]:
        """None in the place of the list of scripts, then all controls, on the page last built."""
        return [None, *(control for script in self.scripts for control in script.controls or ())]

    @property
    def infotext_fields(self) -> list[Any]:
        """Pairs of a control and what fills it from an infotext, of all scripts."""
        return [field for script in self.scripts for field in script.infotext_fields or ()]

    @property
    def paste_field_names(self) -> list[str]:
        """Infotext keys that travel with "send to", of all scripts."""
        return [name for script in self.scripts for name in script.paste_field_names or ()]

    def script(self, title: str) -> Script | None:
        """The script of that title, matched without case."""
        index = self._find(self.scripts, title)
        return None if index is None else self.scripts[index]

    def before_component(self, component: Any, **named: Any) -> None:
        """Tell scripts that the page is about to build `component`; `named` are its keywords."""
        self._tell_component("before_component", component, named)

    def after_component(self, component: Any, **named: Any) -> None:
        """Tell scripts that the page has built `component`; `named` are its keywords."""
        self._tell_component("after_component", component, named)

    def _tell_component(self, hook: str, component: Any, named: dict[str, Any]) -> None:
        for script in self.scripts:
            wanted = getattr(script, f"on_{hook}_elem_id", None) or ()
            calls = [partial(function, OnComponent(component)) for elem_id, function in wanted if elem_id == named.get("elem_id")]
            for call in [*calls, partial(getattr(script, hook), component, **named)]:
                self._call(None, script, hook, call)

    def default_args(self) -> list[Any]:
        """A fresh `script_args` in which no script is selected."""
        return list(self._default_args)

    def assemble_args(self, script_name: str | None, script_args: Sequence[Any], alwayson: Mapping[str, Mapping[str, Any]]) -> list[Any]:
        """`script_args` for a request that names scripts by title (matched without case); fewer values than controls may come.

        Titles of `PAGE_ONLY` are accepted and change nothing.

        Raises:
            InvalidRequest: A title is unknown, or a selectable script came among the always-on ones.
        """
        args = self.default_args()
        if script_name:
            index = self._find(self.selectable_scripts, script_name)
            if index is None:
                raise InvalidRequest("script_name", script_name, f"Script '{script_name}' not found")
            args[0] = index + 1
            self._place(args, self.selectable_scripts[index], script_args)
        for title, given in alwayson.items():
            index = self._find(self.alwayson_scripts, title)
            if index is None and title.casefold() in PAGE_ONLY:
                continue
            if index is None:
                is_selectable = self._find(self.selectable_scripts, title) is not None
                wanted = (
                    "Cannot have a selectable script in the always on scripts params" if is_selectable else f"Script '{title}' not found"
                )
                raise InvalidRequest("alwayson_scripts", title, wanted)
            self._place(args, self.alwayson_scripts[index], given.get("args", []))
        return args

    def name_args(self, args: Sequence[Any]) -> tuple[str | None, list[Any], dict[str, list[Any]]]:
        """What `assemble_args` would need to give `args`: the selected script's title and values, and always-on scripts' by title.

        Always-on scripts whose values are those they start with are left out; so is everything when `args` has another length.
        """
        if len(args) != len(self._default_args):
            return None, [], {}
        changed = (script for script in self.alwayson_scripts if self._values(args, script) != self._values(self._default_args, script))
        alwayson = {title_of(script): self._values(args, script) for script in changed}
        index = args[0]
        if not isinstance(index, int) or not 0 < index <= len(self.selectable_scripts):
            return None, [], alwayson
        script = self.selectable_scripts[index - 1]
        return title_of(script), self._values(args, script), alwayson

    def run_selected(self, p: Processing) -> Any:
        """Let the selected script do the job; None when there is none or it leaves the job to the pipeline.

        Raises:
            ScriptFailed: The script raised, or returned something else than a result.
            PentimentoError: What the script was told by the pipeline, as it is.
        """
        return self.run(p, *(p.script_args or ()))

    def run(self, p: Processing, *args: Any) -> Any:
        """As `run_selected`, with these `script_args`; A1111's name."""
        index = args[0] if args else 0
        if not isinstance(index, int) or not 0 < index <= len(self.selectable_scripts):
            return None
        script = self.selectable_scripts[index - 1]
        try:
            processed = script.run(p, *args[script.args_from : script.args_to])
        except PentimentoError:
            raise
        except BaseException as error:  # SystemExit too: it would end the job without a word of who asked for it
            logger.error("script %r failed in run", title_of(script), exc_info=error)
            raise ScriptFailed(f"Script {title_of(script)} failed: {type(error).__name__}: {error}") from error
        if processed is not None and not is_result(processed):
            raise ScriptFailed(f"Script {title_of(script)} failed: run() returned {type(processed).__name__}, not Processed or None")
        return processed

    def dispatch(self, hook: str, p: Processing, *positional: Any, **named: Any) -> None:
        """Call `hook` on every always-on script.

        Args:
            hook: A name of the hook table.
            positional: Passed between `p` and the script's own values.
            named: Passed as keywords.
        """
        if hook not in HOOK_NAMES:
            raise KeyError(f"no hook {hook!r} in modules.plugins.hooks")
        for script in self._ordered(hook):
            if hook == "setup" and script.setup_for_ui_only and getattr(p, "is_api", False):
                continue
            args = self._arguments(p)
            call = partial(getattr(script, hook), p, *positional, *args[script.args_from : script.args_to], **named)
            self._call(p, script, hook, call, *positional)
            if not _is_list(p.script_args) or len(p.script_args) < len(args):
                p.script_args = args
                self._note_failure(p, script, hook, TypeError("p.script_args was left without the values of all scripts"))

    def setup_scrips(self, p: Processing, *, is_ui: bool = True) -> None:
        """`setup` of all scripts; A1111's name and spelling."""
        self.dispatch("setup", p)

    def _dispatch_in_order(self, hook: str, p: Processing, *given: Any, **named: Any) -> None:
        """As `dispatch`; what the hook takes by keyword may come by position, after what it takes by position."""
        names = ARGUMENTS[hook]
        count = names.index("*args") - 1
        by_keyword = dict(zip(names[count + 2 :], given[count:], strict=False))
        self.dispatch(hook, p, *given[:count], **by_keyword, **named)

    def _ordered(self, hook: str) -> list[Script]:
        scripts = [script for script in self.alwayson_scripts if has_hook(script, hook)]
        names = [ORDER.full_name(str(script.filename), f"script_{hook}", type(script).__name__) for script in scripts]
        return [scripts[place] for place in ORDER.places(names)]

    def _arguments(self, p: Processing) -> list[Any]:
        return list(p.script_args) if _is_list(p.script_args) else self.default_args()

    def _call(self, p: Processing | None, script: Script, hook: str, call: Callable[[], object], *handed: Any) -> None:
        with self.watching(script, hook, p), keep_whole(*handed):
            call()

    @contextmanager
    def watching(self, script: Script, hook: str, p: Processing | None = None) -> Iterator[None]:
        """Around a script's own code: what it raises is noted, and goes no further: a third party's fault must not cost picture or page."""
        try:
            yield
        except BaseException as error:
            self._note_failure(p, script, hook, error)

    def _note_failure(self, p: Processing | None, script: Script, hook: str, error: BaseException) -> None:
        name, failed = title_of(script), FailedHook(script, hook, describe(error))
        level = logging.DEBUG if failed in self.failed else logging.ERROR  # a page has hundreds of components
        logger.log(level, "script %r failed in %s and was skipped", name, hook, exc_info=error)
        alike = [known for known in self.failed if known.script is script and known.hook == hook]
        if failed not in alike and len(alike) < MOST_FAULTS:
            self.failed.append(failed)
        notes, note = getattr(p, "notes", None), f"Script {name} failed in {hook} and was skipped: {type(error).__name__}: {error}"
        if isinstance(notes, list) and note not in notes:
            notes.append(note)

    @staticmethod
    def _find(scripts: Sequence[Script], title: str) -> int | None:
        titles = [title_of(script).casefold() for script in scripts]
        return titles.index(title.casefold()) if title.casefold() in titles else None

    @staticmethod
    def _values(args: Sequence[Any], script: Script) -> list[Any]:
        return list(args[script.args_from : script.args_to])

    @staticmethod
    def _place(args: list[Any], script: Script, values: Sequence[Any]) -> None:
        count = min(len(values), script.args_to - script.args_from)
        args[script.args_from : script.args_from + count] = values[:count]


def title_of(script: Script) -> str:
    """How a script is named to a person, even if it has come to be unable to say."""
    try:
        title = script.title()
        return title if isinstance(title, str) else type(script).__name__
    except BaseException:
        return type(script).__name__


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)
