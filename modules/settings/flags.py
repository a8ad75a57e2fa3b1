"""Command-line flags, with A1111's names."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Flags:
    """What the command line asked for; see `build_parser` for the meaning of each.

    Attributes:
        extra: Flags that extensions' `preload.py` files added; attributes of this too.
    """

    listen: str | None = None
    port: int = 7860
    api: bool = True
    nowebui: bool = False
    ckpt: Path | None = None
    ckpt_dir: Path | None = None
    lora_dir: Path | None = None
    embeddings_dir: Path | None = None
    esrgan_models_path: Path | None = None
    realesrgan_models_path: Path | None = None
    layered_dir: Path | None = None
    layered_offload: str = "none"
    data_dir: Path | None = None
    no_half: bool = False
    use_cpu: bool = False
    api_auth: str | None = None
    gradio_auth: str | None = None
    cors_allow_origins: str = ""
    safe: bool = False
    disable_extra_extensions: bool = False
    disable_all_extensions: bool = False
    comfy_api: bool = False
    no_browser: bool = False
    autolaunch: bool = False
    skip_install: bool = False
    loglevel: str = "INFO"
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __getattr__(self, name: str) -> Any:
        extra = self.__dict__.get("extra", {})
        if name not in extra:
            raise AttributeError(f"no flag {name!r}")
        return extra[name]

    @property
    def host(self) -> str:
        """The address to bind: loopback unless `--listen` was given."""
        return self.listen or "127.0.0.1"

    @property
    def is_local(self) -> bool:
        """Whether the program serves this machine alone."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def build_parser(prog: str = "launch.py") -> argparse.ArgumentParser:
    """The parser behind `parse_flags`; also the source of `--help`."""
    parser = argparse.ArgumentParser(prog=prog, description="Pentimento, a studio for repainting pictures.")
    add, flag = parser.add_argument, "store_true"
    add("--listen", nargs="?", const="0.0.0.0", metavar="ADDRESS", help="listen beyond this machine (0.0.0.0 without an address)")
    add("--port", type=_port, default=7860, help="port to serve on (7860)")
    add("--api", action=flag, default=True, help="accepted for A1111's sake: the API is always on")
    add("--nowebui", action=flag, help="serve the API alone, no page")
    add("--ckpt", type=Path, help="checkpoint file to start with")
    add("--ckpt-dir", type=Path, help="a further folder of checkpoints")
    add("--lora-dir", type=Path, help="a further folder of LoRA files")
    add("--embeddings-dir", type=Path, help="a further folder of textual inversions")
    add("--esrgan-models-path", type=Path, metavar="FOLDER", help="a further folder of upscalers")
    add("--realesrgan-models-path", type=Path, metavar="FOLDER", help="a further folder of Real-ESRGAN upscalers")
    add("--layered-dir", type=Path, metavar="FOLDER", help="a further folder of Qwen-Image-Layered weights (diffusers folders)")
    waits = "where weights of layer models wait until needed: none (on the device), cpu (in memory), disk (in files)"
    add("--layered-offload", choices=("none", "cpu", "disk"), default="none", help=waits)
    add("--data-dir", type=Path, help="where models/, outputs/, extensions/ and config.json live (the checkout)")
    add("--no-half", action=flag, help="compute in 32-bit floats")
    add("--use-cpu", nargs="*", default=None, metavar="WHAT", help="compute on the CPU although an accelerator is there")
    add("--api-auth", metavar="USER:PASSWORD", help="ask API clients for this login; several separated by commas")
    add("--gradio-auth", metavar="USER:PASSWORD", help="ask visitors of the page for this login; several separated by commas")
    add("--cors-allow-origins", default="", metavar="ORIGINS", help="web origins, separated by commas, that may call the API")
    add("--safe", action=flag, help="start without scripts and extensions")
    add("--disable-extra-extensions", action=flag, help="start with the built-in extensions alone")
    add("--disable-all-extensions", action=flag, help="start without extensions")
    add("--comfy-api", action=flag, help="also answer ComfyUI's API")
    add("--no-browser", action=flag, help="do not open a browser")
    add("--autolaunch", action=flag, help="open a browser (the default on a desktop)")
    add("--skip-install", action=flag, help="do not look at the installed packages")
    add("--loglevel", default="INFO", type=str.upper, choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="how much to log (INFO)")
    return parser


def parse_flags(argv: Sequence[str], add_flags: Callable[[argparse.ArgumentParser], None] | None = None) -> Flags:
    """Parse a command line without the program's name; exits with a message on a wrong one, as argparse does.

    Args:
        add_flags: Adds flags of others to the parser; their values are in `Flags.extra`.
    """
    parser = build_parser()
    if add_flags is not None:
        add_flags(parser)
    return _to_flags(vars(parser.parse_args(argv)))


def parse_known_flags(argv: Sequence[str]) -> Flags:
    """The flags that are ours; others are passed over."""
    return _to_flags(vars(build_parser().parse_known_args(argv)[0]))


def _to_flags(parsed: dict[str, Any]) -> Flags:
    own = [each.name for each in fields(Flags) if each.name != "extra"]
    parsed["use_cpu"] = parsed["use_cpu"] is not None
    return Flags(**{name: parsed.pop(name) for name in own}, extra=parsed)


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a port from 0 to 65535")
    return int(text)
