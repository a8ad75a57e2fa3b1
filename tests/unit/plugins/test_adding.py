"""Extensions are copied whole and nothing else is; what is removed can be had back."""

from __future__ import annotations

import io
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.paths import Paths
from modules.cli.extensions import main
from modules.plugins.adding import add_extension, is_git_address, remove_extension, switch
from modules.plugins.extensions import Extension, find_extensions


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.under(Path(__file__).resolve().parents[3], tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "my ext"
    for name in ("scripts/a.py", "scripts/__pycache__/a.pyc", ".deps/x/__init__.py", "lib/b.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def make_zip(file: Path, **entries: str) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return file


def test_a_folder_is_copied_without_what_was_made_in_it(paths: Paths, source: Path) -> None:
    (source / "lib" / "same.py").symlink_to(source / "lib" / "b.py")
    added = add_extension(str(source), paths)
    assert added == paths.extensions / "my ext" and names(added) == {"scripts/a.py", "lib/b.py", "lib/same.py"}
    assert not (added / "lib" / "same.py").is_symlink() and names(source) > names(added)
    with pytest.raises(InvalidRequest, match="already"):
        add_extension(str(source), paths)
    assert add_extension(str(source), paths, "other").name == "other"


@pytest.mark.parametrize("link", ["file", "folder", "loop"])
def test_links_that_lead_out_or_to_folders_are_refused(paths: Paths, source: Path, tmp_path: Path, link: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (source / "lib" / "out").symlink_to({"file": secret, "folder": tmp_path, "loop": source}[link])
    with pytest.raises(InvalidRequest, match="links"):
        add_extension(str(source), paths)
    assert list(paths.extensions.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", ".hidden", "/tmp/x"])
def test_names_stay_plain(paths: Paths, source: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        add_extension(str(source), paths, name)


def test_what_is_no_extension_is_refused(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for wrong in ("photos", "nowhere", "ext::sh -c id"):
        with pytest.raises(InvalidRequest):
            add_extension(str(tmp_path / wrong) if wrong != "ext::sh -c id" else wrong, paths)
    for nothing in ("", "  ", "~nobody-at-all/x", "x" * 5000, "\0"):
        with pytest.raises(InvalidRequest):
            add_extension(nothing, paths, "named")
    assert not is_git_address("ext::sh -c id") and not is_git_address("--upload-pack=x") and is_git_address("git@host:a/b.git")


def test_a_zip_file_is_unpacked_inside_alone(paths: Paths, tmp_path: Path) -> None:
    packed = make_zip(tmp_path / "packed.zip", **{"packed-main/scripts/a.py": "1", "packed-main/style.css": "2"})
    assert names(add_extension(str(packed), paths)) == {"scripts/a.py", "style.css"}
    flat = make_zip(tmp_path / "flat.zip", **{"scripts/a.py": "1"})
    assert names(add_extension(str(flat), paths)) == {"scripts/a.py"}
    evil = make_zip(tmp_path / "evil.zip", **{"scripts/a.py": "1", "../../evil.py": "2"})
    with pytest.raises(PentimentoError, match="leaves the folder"):
        add_extension(str(evil), paths)
    link = zipfile.ZipInfo("scripts/link.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "link.zip").write_bytes(buffer.getvalue())
    with pytest.raises(InvalidRequest, match="without links"):
        add_extension(str(tmp_path / "link.zip"), paths)
    assert {path.name for path in paths.extensions.iterdir()} == {"packed", "flat"}


def test_git_fetches_what_is_given_as_an_address(paths: Paths, source: Path) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(source)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "scripts/a.py"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    added = add_extension(source.as_uri(), paths, "cloned")
    assert (added / "scripts" / "a.py").is_file() and (added / ".git").is_dir()
    with pytest.raises(PentimentoError, match="git could not fetch"):
        add_extension((source.parent / "gone").as_uri(), paths)


def test_what_is_removed_is_put_aside(paths: Paths, source: Path) -> None:
    added = add_extension(str(source), paths)
    aside = remove_extension(Extension("my ext", added), paths)
    assert not added.exists() and aside is not None and (aside / "scripts" / "a.py").is_file()
    (paths.extensions / "linked").symlink_to(source)
    assert remove_extension(Extension("linked", paths.extensions / "linked"), paths) is None and source.is_dir()
    with pytest.raises(InvalidRequest):
        remove_extension(Extension("ours", source, is_builtin=True), paths)
    assert switch(("a", "b"), "a", is_on=True) == ["b"] and switch(("a",), "b", is_on=False) == ["a", "b"]


def test_the_command_line_manages_extensions(paths: Paths, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*words: str) -> tuple[int, str]:
        status = main(["--data-dir", str(paths.data), *words], lambda question: True)
        said = capsys.readouterr()
        return status, said.out + said.err

    assert call("add", str(source)) == (0, f"my ext is in {paths.extensions / 'my ext'}\n")
    assert call("disable", "my ext")[0] == 0 and "off  my ext  (disabled in the settings)" in call("list")[1]
    assert call("enable", "my ext")[0] == 0 and "on   my ext\n" in call("list")[1]
    assert call("install", "my ext") == (0, "my ext has no installer: there is nothing to install\n")
    assert call("enable", "nix")[0] == 1 and "wanted one of" in call("enable", "nix")[1]
    assert main(["--data-dir", str(paths.data), "remove", "my ext"], lambda question: False) == 1
    assert call("remove", "my ext")[0] == 0
    assert not [extension for extension in find_extensions(paths.root / "none", paths.extensions) if extension.name == "my ext"]
