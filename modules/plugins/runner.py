"""One loop that calls scripts; a script that raises is named, logged and skipped."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError, ScriptFailed
from modules.plugins.hook_arguments import OnComponent
from modules.plugins.hooks import HOOK_NAMES
from modules.plugins.script import Processing, Script

logger = logging.getLogger(__name__)

PAGE_ONLY = frozenset({"extra options", "refiner", "sampler", "seed", "hypertile"})
"""A1111's always-on scripts that only lay out its page: clients name them, and their values change nothing over its API either."""

RESULT_ATTRIBUTES = ("images", "infotexts", "js")
"""What tells a result of `run` from anything else: `Processed` belongs to a floor above, and scripts may bring their own."""


class ScriptRunner:
    """The scripts of one tab, and where their control values lie in `script_args`.

    `script_args[0]` is the index of the selected script (0 = none, 1 = the first); each script owns a slice after it.

    Args:
        selectable: Scripts of the dropdown.
        alwayson: Scripts that take part in every job.
        defaults: Default control values a script starts with, by title; else those of its controls.
    """

    def __init__(
        self, selectable: Sequence[Script] = (), alwayson: Sequence[Script] = (), defaults: Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        self.selectable_scripts = list(selectable)
        self.alwayson_scripts = list(alwayson)
        self._default_args: list[Any] = [0]
        self.lay_out(defaults)

    @property
    def scripts(self) -> list[Script]:
        """All: always-on ones first, as their values lie in `script_args`."""
        return [*self.alwayson_scripts, *self.selectable_scripts]

    def lay_out(self, defaults: Mapping[str, Sequence[Any]] | None = None) -> None:
        """Give each script its slice of `script_args`; again when their controls were built."""
        self._default_args = [0]
        for script in self.scripts:
            values = list((defaults or {}).get(script.title(), [control.value for control in script.control_values]))
            script.args_from = len(self._default_args)
            self._default_args.extend(values)
            script.args_to = len(self._default_args)

    @property
    def titles(self) -> list[str]:
        return [script.title() for script in self.selectable_scripts]

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
                try:
                    call()
                except BaseException as error:  # a third party's fault must not cost the page
                    logger.error("script %r failed in %s and was skipped", _title(script), hook, exc_info=error)

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
        alwayson = {script.title(): self._values(args, script) for script in changed}
        index = args[0]
        if not isinstance(index, int) or not 0 < index <= len(self.selectable_scripts):
            return None, [], alwayson
        script = self.selectable_scripts[index - 1]
        return script.title(), self._values(args, script), alwayson

    def run_selected(self, p: Processing) -> Any:
        """Let the selected script do the job; None when there is none or it leaves the job to the pipeline.

        Raises:
            ScriptFailed: The script raised, or returned something else than a result.
            PentimentoError: What the script was told by the pipeline, as it is.
        """
        index = p.script_args[0] if p.script_args else 0
        if not isinstance(index, int) or not 0 < index <= len(self.selectable_scripts):
            return None
        script = self.selectable_scripts[index - 1]
        try:
            processed = script.run(p, *p.script_args[script.args_from : script.args_to])
        except PentimentoError:
            raise
        except BaseException as error:  # SystemExit too: it would end the job without a word of who asked for it
            logger.error("script %r failed in run", _title(script), exc_info=error)
            raise ScriptFailed(f"Script {_title(script)} failed: {type(error).__name__}: {error}") from error
        if processed is not None and not all(hasattr(processed, name) for name in RESULT_ATTRIBUTES):
            raise ScriptFailed(f"Script {_title(script)} failed: run() returned {type(processed).__name__}, not Processed or None")
        return processed

    def dispatch(self, hook: str, p: Processing, *positional: Any, **named: Any) -> None:
        """Call `hook` on every always-on script that defines it.

        Args:
            hook: A name of the hook table.
            positional: Passed between `p` and the script's own values.
            named: Passed as keywords.
        """
        if hook not in HOOK_NAMES:
            raise KeyError(f"no hook {hook!r} in modules.plugins.hooks")
        for script in self.alwayson_scripts:
            method = getattr(script, hook, None)
            if method is None:
                continue
            try:
                method(p, *positional, *p.script_args[script.args_from : script.args_to], **named)
            except BaseException as error:  # a third party's fault must not cost the picture
                _note_failure(p, script, hook, error)

    @staticmethod
    def _find(scripts: Sequence[Script], title: str) -> int | None:
        titles = [script.title().casefold() for script in scripts]
        return titles.index(title.casefold()) if title.casefold() in titles else None

    @staticmethod
    def _values(args: Sequence[Any], script: Script) -> list[Any]:
        return list(args[script.args_from : script.args_to])

    @staticmethod
    def _place(args: list[Any], script: Script, values: Sequence[Any]) -> None:
        count = min(len(values), script.args_to - script.args_from)
        args[script.args_from : script.args_from + count] = values[:count]


def _note_failure(p: Processing, script: Script, hook: str, error: BaseException) -> None:
    name = _title(script)
    logger.error("script %r failed in %s and was skipped", name, hook, exc_info=error)
    notes, note = getattr(p, "notes", None), f"Script {name} failed in {hook} and was skipped: {type(error).__name__}: {error}"
    if isinstance(notes, list) and note not in notes:
        notes.append(note)


def _title(script: Script) -> str:
    """How a script is named to a person, even if it has come to be unable to say."""
    try:
        return str(script.title())
    except BaseException:
        return type(script).__name__
