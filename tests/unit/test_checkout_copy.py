# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy of a checkout has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.testbed.checkout_copy import copy_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a file of each sort: tracked, changed, deleted, new, ignored, a link."""
    checkout = tmp_path / "checkout"
    (checkout / "folder").mkdir(parents=True)
    (checkout / ".gitignore").write_text("*.log\n")
    (checkout / "folder" / "program.sh").write_text("#!/bin/sh\n")
    (checkout / "folder" / "program.sh").chmod(0o755)
    (checkout / "deleted.txt").write_text("deleted")
    (checkout / "collection").symlink_to(".")
    subprocess.run(["git", "init", "--quiet"], cwd=checkout, check=True)
    subprocess.run(["git", "add", "--all"], cwd=checkout, check=True)
    (checkout / "deleted.txt").unlink()
    (checkout / "folder" / "program.sh").write_text("#!/bin/sh\necho changed\n")
    (checkout / "new.txt").write_text("new")
    (checkout / "ignored.log").write_text("ignored")
    return checkout


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_a_copy_has_what_git_tracks_or_would_add(checkout: Path, tmp_path: Path) -> None:
    copy_checkout(tmp_path / "copy", checkout, with_links=False)
    assert names(tmp_path / "copy") == {".gitignore", "folder/program.sh", "new.txt"}
    program = tmp_path / "copy" / "folder" / "program.sh"
    assert program.read_text() == "#!/bin/sh\necho changed\n"
    assert program.stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "copy" / "collection").exists()


def test_a_copy_to_run_plays_in_has_the_links(checkout: Path, tmp_path: Path) -> None:
    copy_checkout(tmp_path / "copy", checkout, with_links=True)
    link = tmp_path / "copy" / "collection"
    assert link.is_symlink() and link.readlink() == Path(".")
