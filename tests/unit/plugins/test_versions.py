"""What git tells of an extension, without running anything that the extension brings, and without logins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modules.plugins.versions import Version, read_version

SIGNED = """tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author a <a@b> 1700000000 +0000
committer a <a@b> 1700000000 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 abc
 -----END PGP SIGNATURE-----

signed
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "extensions" / "wisher"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def git(folder: Path, *words: str, given: str = "") -> str:
    return subprocess.run(["git", "-C", str(folder), *words], input=given, capture_output=True, text=True, check=True).stdout.strip()


def test_a_clone_tells_where_it_is_from_but_no_login(folder: Path) -> None:
    commit = git(folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=SIGNED)
    git(folder, "update-ref", "refs/heads/main", commit)
    git(folder, "remote", "add", "origin", "https://me:secret@example.com/x/wisher.git")
    assert read_version(folder) == Version("https://example.com/x/wisher.git", "main", commit, 1_700_000_000)


def test_programs_that_its_configuration_names_are_not_run(folder: Path) -> None:
    commit = git(folder, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=SIGNED)
    git(folder, "update-ref", "refs/heads/main", commit)
    program, trace = folder / "program.sh", folder.parent / "it-ran"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    git(folder, "config", "gpg.program", str(program))
    git(folder, "config", "log.showSignature", "true")
    assert read_version(folder).commit_hash == commit and not trace.exists()


def test_commits_that_are_missing_are_not_fetched(folder: Path) -> None:
    trace = folder.parent / "it-ran"
    for name, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": "ssh://x/y",
        "core.sshCommand": f"touch {trace};",
    }.items():
        git(folder, "config", name, value)
    (folder / ".git" / "refs" / "heads" / "main").write_text("0123456789" * 4 + "\n")
    assert read_version(folder).commit_hash == "" and not trace.exists()


def test_a_damaged_clone_is_not_taken_for_the_folder_around_it(folder: Path) -> None:
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "remote", "add", "origin", "https://example.com/around.git")
    (folder / ".git" / "objects").rename(folder / "objects")
    assert read_version(folder) == Version()
