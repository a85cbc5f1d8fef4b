# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalog is locked from a real index on loopback, by the real uv and the real git."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.catalog_folder import Catalog
from ansible_collections.shipping.code.plugins.plugin_utils._locking.lock_run import RunMode, run

from tests.testbed.package_index import Index, package_index
from tests.testbed.wheel_files import wheel

UV = Path(sys.executable).parent / "uv"
CODE = "def main():\n    print('hello')\n"
LINUX = "cp311-cp311-manylinux_2_17_x86_64"
PYTHON = """\
# The tools of p
tools:
  maps:  # draws
    type: python
    version: "1.0"
    requirements: ["maps=={version}"]
    lock: p/lock.txt
    wheels: p/wheels
    python_versions: ["3.11"]
    platforms: [{os: linux, arch: x86_64}]
    commands: [maps]
"""
CONTENT = """\
tools:
  t:
    type: binary
    version: "1"
    url: URL   # from us
"""


@dataclass
class Bench:
    """A catalog, an index, and calls of the module."""

    home: Path
    index: Index
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def catalog(self) -> Path:
        return self.home / "projects"

    def write(self, text: str, name: str = "p") -> Path:
        path = self.catalog / f"{name}.yml"
        path.write_text(text)
        return path

    def lock(self, *, check: bool = False, diff: bool = True, **options: Any) -> dict[str, Any]:
        given = {
            "catalog": str(self.catalog),
            "state": "locked",
            "projects": [],
            "tools": [],
            "platforms": ["linux/x86_64"],
            "upgrade": False,
            "index_url": self.index.url,
            "index_username": None,
            "index_password": None,
            "uv_path": str(UV),
        }
        return run({**given, **self.options, **options}, RunMode(check=check, diff=diff))

    def files(self) -> dict[str, bytes]:
        paths = sorted(path for path in self.catalog.rglob("*") if path.is_file())
        return {str(path.relative_to(self.catalog)): path.read_bytes() for path in paths}

    def wheel(self, name: str, version: str, **more: Any) -> Path:
        return wheel(self.index.folder, name, version, CODE, **more)

    def manifest(self) -> dict[str, Any]:
        catalog = Catalog(str(self.catalog), str(self.home / "downloads"))
        ((project,), _without) = catalog.manifests(["p"])
        return project


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("UV_", "PIP_", "NETRC")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("projects", "index", "home"):
        (tmp_path / folder).mkdir()
    with package_index(tmp_path / "index") as index:
        bench = Bench(tmp_path, index)
        for version in ("1.0", "2.0"):
            bench.wheel("maps", version, requires="fast_numbers>=2", tag=LINUX)
            bench.wheel("maps", version, requires="fast_numbers>=2", tag=f"{LINUX[:-7]}_aarch64")
        bench.wheel("fast_numbers", "2.1")
        yield bench


def test_python_from_a_name_and_a_version(bench: Bench):
    path = bench.write(PYTHON)
    text = path.read_bytes()
    found = bench.lock(check=True, diff=False)
    assert found["failed"] and found["changed"] and bench.files() == {"p.yml": text}
    assert found["findings"] == [f"{path}:7:5: maps is not locked: p/lock.txt is not there"]
    assert not bench.index.paths
    shown = bench.lock(check=True)
    assert "+ " in shown["diff"][-1]["prepared"] and bench.files() == {"p.yml": text}

    done = bench.lock()
    assert not done.get("failed") and done["changed"], done
    lock = (bench.catalog / "p" / "lock.txt").read_text()
    assert lock.startswith(
        "# Locked by shipping.code.lock from: maps==1.0\n# For Python: 3.11\nfast-numbers==2.1"
    )
    assert set(bench.files()) == {
        "p.yml",
        "p/lock.txt",
        f"p/wheels/maps-1.0-{LINUX}.whl",
        "p/wheels/fast_numbers-2.1-py3-none-any.whl",
    }
    assert path.read_bytes() == text and "fault" not in bench.manifest()["tools"][0]

    bench.index.paths.clear()
    again, check = bench.lock(), bench.lock(check=True, diff=False)
    assert not again["changed"] and not check["changed"] and not check.get("failed")
    assert not bench.index.paths


def test_a_new_version_in_the_catalog(bench: Bench):
    bench.write(PYTHON)
    bench.lock()
    path = bench.write(PYTHON.replace('"1.0"', '"2.0"'))
    found = bench.lock(check=True, diff=False)
    assert found["findings"] == [
        f"{path}:7:5: maps is not locked: p/lock.txt was made from other requirements or for other"
        " versions of Python"
    ]
    assert not bench.lock().get("failed")
    assert f"p/wheels/maps-2.0-{LINUX}.whl" in bench.files()
    assert f"p/wheels/maps-1.0-{LINUX}.whl" not in bench.files()
    assert not bench.lock(check=True).get("failed")


def test_upgrade_and_outdated(bench: Bench):
    bench.write(PYTHON.replace("maps=={version}", "maps<3").replace('version: "1.0"', "version: x"))
    for path in bench.index.folder.glob("maps-2.0-*"):
        path.unlink()
    assert not bench.lock().get("failed")
    bench.wheel("maps", "2.0", tag=LINUX)
    assert not bench.lock()["changed"]
    found = bench.lock(state="outdated")
    assert found["outdated"] == ["p/maps"] and not found["changed"]
    assert found["versions"] == [
        {
            "project": "p",
            "tool": "maps",
            "type": "python",
            "package": "maps",
            "locked": "1.0",
            "newest": "2.0",
            "state": "outdated",
        }
    ]
    upgraded = bench.lock(upgrade=True)
    assert upgraded["changed"] and "has newer versions than p/lock.txt" in upgraded["findings"][0]
    assert not bench.lock(upgrade=True)["changed"]
    assert bench.lock(state="outdated")["outdated"] == []


def test_a_lock_without_hashes(bench: Bench):
    bench.write(PYTHON.replace('    requirements: ["maps=={version}"]\n', ""))
    (bench.catalog / "p").mkdir()
    (bench.catalog / "p" / "lock.txt").write_text("fast_numbers==2.1\nmaps==1.0\n")
    (bench.catalog / "p" / "wheels").mkdir()
    assert "p/lock.txt:1: fast_numbers==2.1 has no hash" in bench.manifest()["tools"][0]["fault"]
    found = bench.lock(check=True, diff=False)
    assert "p/lock.txt:1 has no hash of fast_numbers==2.1" in found["msg"]
    assert not bench.lock().get("failed")
    assert "fault" not in bench.manifest()["tools"][0]
    assert not bench.lock()["changed"]


def test_wheels_that_are_missing_damaged_or_stale(bench: Bench):
    bench.write(PYTHON)
    bench.lock()
    good, wheels = bench.files(), bench.catalog / "p" / "wheels"
    (wheels / "fast_numbers-2.1-py3-none-any.whl").unlink()
    (wheels / f"maps-1.0-{LINUX}.whl").write_bytes(b"damaged")
    wheel(wheels, "stale", "1", CODE)
    found = bench.lock(check=True, diff=False)
    assert [finding.partition(": ")[2] for finding in found["findings"]] == [
        "maps has no wheel of fast-numbers 2.1, maps 1.0 in p/wheels for linux x86_64, Python 3.11",
        f"maps has maps-1.0-{LINUX}.whl in its wheels, which no lock pins",
        "maps has stale-1-py3-none-any.whl in its wheels, which no lock pins",
    ]
    done = bench.lock()
    assert done["changed"] and not done.get("failed") and bench.files() == good


def test_a_folder_of_wheels_that_several_projects_share(bench: Bench):
    bench.write(PYTHON.replace("p/wheels", "wheels"))
    bench.write(
        PYTHON.replace("p/", "q/").replace("q/wheels", "wheels").replace('"1.0"', '"2.0"'), "q"
    )
    assert not bench.lock().get("failed")
    assert len([name for name in bench.files() if name.startswith("wheels/")]) == 3
    assert not bench.lock(projects=["p"])["changed"]
    (bench.catalog / "q.yml").write_text("tools: [")
    (bench.catalog / "p" / "lock.txt").unlink()
    assert not bench.lock(projects=["p"]).get("failed")
    assert len([name for name in bench.files() if name.startswith("wheels/")]) == 3


def test_an_index_without_the_wheel(bench: Bench):
    path = bench.write(PYTHON.replace('["3.11"]', '["3.11", "3.12"]') + CONTENT[7:])
    (bench.home / "content").write_bytes(b"content")
    path.write_text(path.read_text().replace("URL", (bench.home / "content").as_uri()))
    done = bench.lock()
    assert done["failed"] and done["catalog_errors"] == [
        f"{path}:7:5: maps: the index {bench.index.url} has no wheel of maps 1.0 for linux x86_64,"
        " Python 3.12. Name the systems that the tool is for under platforms, and its versions of"
        " Python under python_versions."
    ]
    # The other tool is locked.
    assert "sha256: " in path.read_text() and not (bench.catalog / "p" / "lock.txt").exists()
    assert [tool["state"] for tool in done["tools"]] == ["failed", "changed"]


def test_a_wheel_that_changes_on_its_way(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    bench.write(PYTHON)
    bench.lock()
    (bench.catalog / "p" / "wheels" / "fast_numbers-2.1-py3-none-any.whl").unlink()
    before = bench.files()
    answer = bench.index.answer

    def tampered(path: str, authorization: str) -> tuple[int, str, bytes]:
        status, media_type, body = answer(path, authorization)
        return status, media_type, b"evil" if path.startswith("/files/") else body

    monkeypatch.setattr(bench.index, "answer", tampered)
    done = bench.lock()
    assert "has another checksum than the lock" in done["msg"] and bench.files() == before


def test_requirements_that_cannot_be_resolved(bench: Bench):
    path = bench.write(PYTHON.replace('version: "1.0"', 'version: "7"'))
    done = bench.lock()
    assert done["catalog_errors"][0].startswith(
        f"{path}:7:5: maps: the requirements cannot be locked: uv: "
    )
    assert "there is no version of maps==7" in done["msg"]
    assert set(bench.files()) == {"p.yml"}
    missing = bench.lock(uv_path="/no/such/uv")
    assert "/no/such/uv: no such file or directory. Install uv" in missing["msg"]


def test_an_index_with_html_and_a_login(bench: Bench):
    bench.write(PYTHON)
    bench.index.is_html, bench.index.login = True, "ada:s3:cr@t"
    (bench.home / "home" / ".netrc").write_text("machine 127.0.0.1 login ada password s3:cr@t\n")
    (bench.home / "home" / ".netrc").chmod(0o600)
    without = bench.lock()
    assert without["failed"] and "401" in without["msg"]
    done = bench.lock(index_username="ada", index_password="s3:cr@t")
    assert not done.get("failed"), done
    assert b"s3" not in b"".join(bench.files().values())
    wrong = bench.lock(index_username="ada", index_password="s3:cr@X", upgrade=True)
    assert wrong["failed"] and "cr@X" not in str(wrong) and "cr%40X" not in str(wrong)


def test_a_login_is_for_its_index_alone(bench: Bench):
    with package_index(bench.index.folder) as other:
        bench.write(PYTHON + f"    index_url: {other.url}\n")
        other.login = "ada:secret"
        done = bench.lock(index_username="ada", index_password="secret")
        assert done["failed"] and "401" in done["msg"] and not bench.index.paths


def test_a_requirements_file(bench: Bench):
    bench.write(PYTHON.replace('["maps=={version}"]', "p/maps.in"))
    (bench.catalog / "p").mkdir()
    (bench.catalog / "p" / "maps.in").write_text("# ours\nmaps<2\n")
    assert not bench.lock().get("failed")
    lock = (bench.catalog / "p" / "lock.txt").read_text()
    assert "maps==1.0" in lock and str(bench.home) not in lock and "-r maps.in" in lock
    assert not bench.lock()["changed"]
    (bench.catalog / "p" / "maps.in").write_text("maps\n")
    assert bench.lock()["changed"]


def test_content_of_a_url(bench: Bench):
    content = bench.home / "content"
    content.write_bytes(b"one")
    path = bench.write(CONTENT.replace("URL", content.as_uri()))
    found = bench.lock(check=True, diff=False)
    assert found["findings"] == [f"{path}:5:5: t has no sha256 of {content.as_uri()}"]
    checksum = hashlib.sha256(b"one").hexdigest()
    done = bench.lock()
    assert done["files"] == [str(path)] and path.read_text() == CONTENT.replace(
        "URL   # from us\n", f"{content.as_uri()}   # from us\n    sha256: {checksum}\n"
    )
    assert done["diff"][0]["before_header"] == str(path)
    assert not bench.lock()["changed"]
    # Never without a word: it may be an attack.
    content.write_bytes(b"two")
    assert "is not what the catalog declares" in bench.lock()["msg"]
    assert bench.lock(check=True)["failed"] and checksum in path.read_text()
    assert bench.lock(upgrade=True)["changed"] and checksum not in path.read_text()


def test_content_of_each_platform(bench: Bench):
    for arch in ("x86_64", "aarch64"):
        (bench.catalog / arch).write_text(arch)
    path = bench.write(
        "tools:\n  t:\n    type: binary\n    version: '1'\n    platforms:\n"
        "      - os: linux\n        arch: x86_64\n        file: x86_64\n"
        "      - {os: linux, arch: aarch64, file: aarch64}\n"
    )
    assert not bench.lock().get("failed")
    sums = [hashlib.sha256(arch.encode()).hexdigest() for arch in ("x86_64", "aarch64")]
    assert path.read_text().endswith(
        f"        file: x86_64\n        sha256: {sums[0]}\n"
        f"      - {{os: linux, arch: aarch64, sha256: {sums[1]}, file: aarch64}}\n"
    )
    assert not bench.lock()["changed"]


def test_a_version_in_a_url(bench: Bench):
    for version, arch in product(("1", "2"), ("amd64", "arm64")):
        (bench.home / f"t-{version}-{arch}").write_text(version + arch)
    text = (
        f"tools:\n  t:\n    type: binary\n    version: '1'\n    url: {bench.home.as_uri()}/"
        "t-{version}-{arch}\n    arch_names: {x86_64: amd64, aarch64: arm64}\n    platforms:\n"
        "      - os: linux\n        arch: x86_64\n      - {os: linux, arch: aarch64}\n"
    )
    path = bench.write(text)
    assert not bench.lock().get("failed")
    sums = [hashlib.sha256(f"1{arch}".encode()).hexdigest() for arch in ("amd64", "arm64")]
    assert path.read_text().endswith(
        f"        arch: x86_64\n        sha256: {sums[0]}\n"
        f"      - {{os: linux, sha256: {sums[1]}, arch: aarch64}}\n"
    )
    path.write_text(path.read_text().replace("'1'", "'2'"))
    assert bench.lock(check=True, diff=False)["msg"].count("is not what the catalog declares") == 2
    assert bench.lock(upgrade=True)["changed"] and not bench.lock(check=True).get("failed")
    assert hashlib.sha256(b"2arm64").hexdigest() in path.read_text()


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_tag_and_a_branch(bench: Bench):
    repository = bench.home / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "1")
    git(repository, "tag", "--annotate", "v1", "--message", "one")
    text = (
        f"tools:\n  t:\n    type: git\n    version: '1'\n    repository: {repository}\n"
        "    tag: v{version}\n    commands: [t]\n"
    )
    path = bench.write(text)
    first = git(repository, "rev-parse", "HEAD")
    assert "t has no commit of the tag v1" in bench.lock(check=True, diff=False)["msg"]
    assert bench.lock()["changed"] and f"    tag: v{{version}}\n    commit: {first}\n" in (
        path.read_text()
    )
    assert not bench.lock()["changed"]

    git(repository, "commit", "--quiet", "--allow-empty", "--message", "2")
    git(repository, "tag", "v2")
    second = git(repository, "rev-parse", "HEAD")
    (row,) = bench.lock(state="outdated")["versions"]
    assert (row["locked"], row["newest"], row["state"]) == ("v1", "v2", "outdated")
    path.write_text(path.read_text().replace("'1'", "'2'"))
    found = bench.lock(check=True)
    assert found["findings"] == [
        f"{path}:7:5: t has commit {first[:12]}; the tag v2 is {second[:12]}"
    ]
    assert bench.lock()["changed"] and second in path.read_text()

    path.write_text(path.read_text().replace("tag: v{version}", "branch: main"))
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "3")
    assert not bench.lock()["changed"]
    assert bench.lock(state="outdated")["outdated"] == ["p/t"]
    assert bench.lock(upgrade=True)["changed"]
    assert git(repository, "rev-parse", "HEAD") in path.read_text()
    path.write_text(path.read_text().replace("branch: main", "tag: v7"))
    assert "has no tag v7" in bench.lock()["msg"]


def test_the_login_of_a_repository_is_not_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    repository = bench.home / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet")
    url = "https://ada:s3cret@git.example.com/t.git"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{repository}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", url)
    path = bench.write(
        f"tools:\n  t: {{type: git, version: '1', repository: '{url}', tag: v1, commands: [t]}}\n"
    )
    assert bench.lock()["catalog_errors"] == [
        f"{path}:2:88: t: https://git.example.com/t.git has no tag v1. Correct its name."
    ]


def test_what_is_wrong_with_a_catalog(bench: Bench):
    bench.write("tools:\n  t: {type: pyton}\n", "bad")
    bench.write(PYTHON)
    done = bench.lock()
    assert done["failed"] and "bad.yml:2:13: 'pyton' must be one of" in done["msg"]
    assert "p/lock.txt" in bench.files()
    assert not bench.lock(projects=["p"]).get("failed")
    assert "project q has no file" in bench.lock(projects=["q"])["msg"]
    assert f"tool q/t is in no project of {bench.catalog}" in bench.lock(tools=["q/t"])["msg"]
    assert bench.lock(tools=["p/maps"], projects=["p"])["tools"][0]["state"] == "locked"
    checked = bench.lock(check=True)["msg"]
    assert f"Some tools of the catalog {bench.catalog} cannot be checked:\n  " in checked
    assert "is not locked" not in checked
    for unread in ("bad/t", "t"):
        assert "is in no project" not in bench.lock(tools=[unread], projects=["bad"])["msg"]


def test_a_platform_that_no_tool_can_be_for(bench: Bench):
    for platform in ("linux", "linux/x86", "macosx/x86_64"):
        with pytest.raises(ShippingError, match=f"'{platform}' is no system and processor"):
            bench.lock(platforms=[platform])


def test_a_file_with_a_byte_order_mark(bench: Bench):
    (bench.catalog / "x").write_text("x")
    path = bench.write("tools: {t: {type: binary, version: '1', file: x}}\n")
    path.write_text("\ufeff" + path.read_text())
    assert not bench.lock().get("failed")
    assert path.read_text().startswith("\ufefftools: {t: {type: binary, version: '1', sha256: ")
