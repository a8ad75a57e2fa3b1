"""The models that this program can fetch by name: where they are, how they are told from others, and on what terms they may be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

CHECKPOINTS, LAYERED = "Stable-diffusion", "Layered"
_ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True)
class Licence:
    """Terms of use.

    Attributes:
        name: As its authors call it.
        summary: What it asks of people, in a sentence or two; the text itself is what counts.
        page: Where its text is, below the address of the hub.
    """

    name: str
    summary: str
    page: str


@dataclass(frozen=True)
class KnownModel:
    """One model on the hub.

    Attributes:
        name: What the file, or the folder, is called here.
        about: What it is, in a sentence.
        repo: Where it is on the hub: "owner/name".
        files: What is fetched: the one file, or patterns of the files of a folder.
        sha256: Of the one file, in lower-case hex; None = the hub's own sums are trusted.
        size: Bytes in all, as they were when this table was written.
        folder: Below `models/`: `CHECKPOINTS` or `LAYERED`.
        aliases: Other names that workflows use for the same weights, without ending.
    """

    name: str
    about: str
    repo: str
    files: tuple[str, ...]
    sha256: str | None
    size: int
    licence: Licence
    folder: str = CHECKPOINTS
    aliases: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.folder == LAYERED

    @property
    def page(self) -> str:
        """Its page below the address of the hub."""
        return self.repo


_RAIL = "Free of charge, commercial use too; a list of harmful uses is forbidden, and whoever passes the weights on passes that list on."
OPEN_RAIL_M = Licence("CreativeML Open RAIL-M", _RAIL, "spaces/CompVis/stable-diffusion-license")
OPEN_RAIL_PP_M = Licence("CreativeML Open RAIL++-M", _RAIL, "stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md")
APACHE_2 = Licence("Apache License 2.0", "Free of charge for any purpose; its notices stay with the files.", "Qwen/Qwen-Image-Layered")

KNOWN_MODELS = (
    KnownModel(
        name="512-inpainting-ema.safetensors",
        about="Stable Diffusion 2 for inpainting at 512 px: the model of ComfyUI's inpainting tutorial.",
        repo="Comfy-Org/stable_diffusion_2.1_repackaged",
        files=("512-inpainting-ema.safetensors",),
        sha256="b29e2ed9a8fe58e76f7e801bda091d23738bd74c1da3f339bcbe2d40922fcb60",
        size=5_214_662_094,
        licence=OPEN_RAIL_PP_M,
        aliases=("stable-diffusion-2-inpainting", "sd2-inpainting"),
    ),
    KnownModel(
        name="v1-5-pruned-emaonly.safetensors",
        about="Stable Diffusion 1.5 at 512 px, in float32: no inpainting model, which the tutorial compares with.",
        repo="stable-diffusion-v1-5/stable-diffusion-v1-5",
        files=("v1-5-pruned-emaonly.safetensors",),
        sha256="6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa",
        size=4_265_146_304,
        licence=OPEN_RAIL_M,
        aliases=("stable-diffusion-v1-5", "v1-5-pruned-emaonly-fp32"),
    ),
    KnownModel(
        name="v1-5-pruned-emaonly-fp16.safetensors",
        about="Stable Diffusion 1.5 at 512 px, in half precision: half the download.",
        repo="Comfy-Org/stable-diffusion-v1-5-archive",
        files=("v1-5-pruned-emaonly-fp16.safetensors",),
        sha256="e9476a13728cd75d8279f6ec8bad753a66a1957ca375a1464dc63b37db6e3916",
        size=2_132_696_762,
        licence=OPEN_RAIL_M,
        aliases=("v1-5-pruned-emaonly_fp16",),
    ),
    KnownModel(
        name="sd-v1-5-inpainting.safetensors",
        about="Stable Diffusion 1.5 for inpainting at 512 px.",
        repo="webui/stable-diffusion-inpainting",
        files=("sd-v1-5-inpainting.safetensors",),
        sha256="0ec8f8585b104417a8c34a9fbcc1e922a70b8c15490ec4553087f01c8cf33673",
        size=4_265_203_873,
        licence=OPEN_RAIL_M,
        aliases=("stable-diffusion-inpainting", "sd15-inpainting", "sd1.5-inpainting", "v1-5-inpainting", "sd_v1-5_inpainting"),
    ),
    KnownModel(
        name="Qwen-Image-Layered",
        about="Paints a picture anew as layers; for machines with much memory.",
        repo="Qwen/Qwen-Image-Layered",
        files=("model_index.json", "scheduler/*", "text_encoder/*", "tokenizer/*", "transformer/*", "vae/*"),
        sha256=None,
        size=57_700_000_000,
        licence=APACHE_2,
        folder=LAYERED,
    ),
)


def find_known(name: str) -> KnownModel | None:
    """The known model that a file name in a workflow means, whatever its folder, case and ending; None = there is none."""
    wanted = plain_name(name)
    return next((model for model in KNOWN_MODELS if wanted in map(plain_name, (model.name, *model.aliases))), None) if wanted else None


def plain_name(name: str) -> str:
    """A model file's name without folder, ending and case."""
    file = PurePosixPath(name.strip().replace("\\", "/")).name.casefold()
    return next((file.removesuffix(ending) for ending in _ENDINGS if file.endswith(ending)), file)
