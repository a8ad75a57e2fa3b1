"""Arguments of `launch.py img2img`."""

from __future__ import annotations

import argparse
from pathlib import Path

from modules.imaging.fills import MaskedContent
from modules.plugins.preloading import parse_with_preloads
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[2]

EPILOG = """\
Start values are the page's: for the built-in model, fill patchmatch, strength 0.5, only the masked part, 256 px.
Without --mask, transparent parts of a picture are its mask; without those, the whole picture is repainted.
--init and --mask may be folders; masks are then found by equal names, or a single one serves all. The same command
goes on where an interrupted one stopped; a folder's results never take the place of a file. Flags of the studio (--ckpt-dir, --data-dir,
--no-half, --use-cpu ...) are accepted too.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of `launch.py img2img`; a value left out is None, and the preset decides."""
    parser = argparse.ArgumentParser(
        prog="launch.py img2img",
        description="Repaint a picture, or all pictures of a folder.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--init", type=Path, required=True, metavar="PATH", help="picture to repaint, or a folder of pictures")
    add("--mask", type=Path, metavar="PATH", help="mask, white = repaint; or a folder of masks")
    add("--out", type=Path, required=True, metavar="PATH", help="result (.png, .jpg, .webp), or a folder")
    add("--prompt", default="", help="what to paint")
    add("--negative-prompt", default="", help="what to avoid")
    add("--strength", "--denoising-strength", dest="denoising_strength", type=float, help="0 keeps everything, 1 paints anew")
    add("--steps", type=int, help="sampling steps")
    add("--cfg-scale", type=float, help="how closely to follow the prompt")
    add("--seed", type=int, default=-1, help="-1 (the default) is random")
    add("--sampler", dest="sampler_name", help='"Euler", "DPM++ 2M Karras" ...')
    add("--scheduler", help='"Karras", "Automatic" ...')
    add("--width", type=int, help="working width in px")
    add("--height", type=int, help="working height in px")
    add("--count", dest="n_iter", type=int, default=1, help="results a picture (result-2.png, ...)")
    add("--model", metavar="NAME", help="checkpoint, by name, title or hash")
    _add_mask_options(parser)
    return parser


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, Flags]:
    """Parse; exits with a message and status 2 on a wrong command line."""
    known, rest = build_parser().parse_known_args(argv)
    return known, parse_with_preloads(rest, ROOT)


def _add_mask_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("mask").add_argument
    words = [content.label for content in MaskedContent]
    add("--fill", dest="inpainting_fill", choices=words, metavar="FILL", help="what is under the mask at first: " + ", ".join(words))
    add("--whole-picture", action="store_true", help="work on the whole picture, not only on the masked part")
    add("--padding", dest="inpaint_full_res_padding", type=int, help="px of surroundings the model sees with only the masked part")
    add("--mask-blur", type=int, help="softness of the mask's edge in px")
    add("--invert-mask", action="store_true", help="repaint what is not masked")
    add("--resize-mode", type=int, default=0, choices=range(4), help="0 stretch, 1 crop, 2 fill, 3 stretch latents")
