# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where content comes from: beside the catalog, by download, by git."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._catalog import run_contents
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.bundle_writer import (
    BundleWriter,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.catalog_folder import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "projects").mkdir()
    return Catalog(str(tmp_path / "projects"), str(tmp_path / "downloads"))


def write(catalog: Catalog, name: str, **tools: dict[str, Any]) -> None:
    (Path(catalog.folder) / f"{name}.yml").write_text(json.dumps({"tools": tools}))


def repository(folder: Path, **files: str) -> str:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for words in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message", "x")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def sent(
    catalog: Catalog, manifests: list, project: str, tool: str, path: Path
) -> dict[str, bytes]:
    """What goes into the bundle for a tool."""
    writer = BundleWriter(catalog, {one["name"]: one for one in manifests})
    answer = writer.write(
        str(path), [{"object": "key", "project": project, "tool": tool, "variant": 0}]
    )
    if answer["unsent"]:
        raise ShippingError(answer["unsent"]["key"])
    with tarfile.open(path) as content:
        return {member.name: content.extractfile(member).read() for member in content}


def test_a_script_has_the_checksum_of_its_file(catalog: Catalog, tmp_path: Path):
    write(catalog, "atlas", t={"type": "script", "version": "1", "file": "t.sh"})
    (Path(catalog.folder) / "t.sh").write_text("x")
    manifests, without = catalog.manifests(["atlas", "beta", "../atlas", "with space"])
    assert manifests[0]["tools"][0]["variants"][0]["sha256"] == hashlib.sha256(b"x").hexdigest()
    assert without == ["beta", "../atlas", "with space"]
    assert sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar") == {"key/content": b"x"}


def faults(manifests: list[dict[str, Any]]) -> dict[str, str]:
    """The errors of a catalog by the project, or the project and the tool, that they concern."""
    found = {one["name"]: one["fault"] for one in manifests if "fault" in one}
    for manifest in manifests:
        found.update(
            (f"{manifest['name']} {tool['name']}", tool["fault"])
            for tool in manifest["tools"]
            if "fault" in tool
        )
    return found


def test_a_file_that_is_not_there_concerns_its_tool_alone(catalog: Catalog):
    script = {"type": "script", "version": "1", "file": "t.sh"}
    (Path(catalog.folder) / "good.sh").write_text("x")
    write(catalog, "atlas", t=script, good={**script, "file": "good.sh"})
    write(catalog, "beta", t={"type": "binary", "version": "1", "file": "t", "sha256": "a" * 64})
    manifests, _without = catalog.manifests(["atlas", "beta"])
    found = faults(manifests)
    assert found.keys() == {"atlas t", "beta t"}
    assert found["atlas t"] == (
        f"{catalog.folder}/atlas.yml:1:12: t: {catalog.folder}/t.sh cannot be read: no such file or"
        " directory"
    )
    assert [len(tool["variants"]) for tool in manifests[0]["tools"]] == [0, 1]


def test_a_slip_in_a_file_concerns_its_project_alone(catalog: Catalog):
    (Path(catalog.folder) / "t.sh").write_text("x")
    write(catalog, "atlas", t={"type": "script", "version": "1", "file": "t.sh"})
    for name, text in {
        "beta": "tools:\n  t: {kind: script\n",
        "gamma": "tools: {t: {type: scripd, version: '1'}}",
        "delta": "",
    }.items():
        (Path(catalog.folder) / f"{name}.yml").write_text(text)
    manifests, without = catalog.manifests(["atlas", "beta", "delta", "gamma"])
    found = faults(manifests)
    assert without == [] and found.keys() == {"beta", "delta", "gamma"}
    assert "did you mean script?" in found["gamma"] and "it is empty" in found["delta"]
    assert all(f"{catalog.folder}/{name}.yml" in fault for name, fault in found.items())


def test_a_helper_program_that_is_missing_concerns_the_tools_that_need_it(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("t.sh", "lock.txt"):
        (Path(catalog.folder) / name).write_text("")
    write(
        catalog,
        "atlas",
        t={"type": "script", "version": "1", "file": "t.sh"},
        u={"type": "python", "version": "1", "lock": "lock.txt", "commands": ["u"]},
    )
    contents = run_contents.read(catalog.folder, ["atlas"], {})
    assert faults(contents["manifests"]) == {
        "atlas u": "tools of the type python need uv: uv was not found on the controller. Install"
        " uv on the controller, or set uv_path."
    }
    assert contents["programs"] == {}


def test_the_sample(tmp_path: Path):
    sample = Catalog(
        str(Path(__file__).parents[5] / "playbooks" / "files" / "projects"), str(tmp_path)
    )
    manifests, without = sample.manifests(["atlas"])
    assert without == [] and {tool["type"] for tool in manifests[0]["tools"]} == {
        "script",
        "python",
        "binary",
        "env",
    }
    for tool in ("atlas", "atlas-tiles", "atlas-where"):
        assert sent(sample, manifests, "atlas", tool, tmp_path / "b.tar")


def test_the_sample_says_that_its_service_is_down():
    wheels = Path(__file__).parents[5] / "playbooks" / "files" / "projects" / "atlas" / "wheels"
    code = (
        "import sys; sys.argv = ['atlas', 'http://127.0.0.1:9/']; import atlas_maps;"
        " atlas_maps.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(next(wheels.iterdir()))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        done.returncode == 1
        and "http://127.0.0.1:9/ does not answer: " in done.stderr
        and "Traceback" not in done.stderr
    )


def test_a_download_is_verified_and_kept(catalog: Catalog, tmp_path: Path):
    (tmp_path / "program").write_bytes(b"x")
    tool = {
        "type": "binary",
        "version": "1",
        "url": (tmp_path / "program").as_uri(),
        "sha256": hashlib.sha256(b"x").hexdigest(),
    }
    write(catalog, "atlas", t=tool)
    manifests, _without = catalog.manifests(["atlas"])
    assert sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar") == {"key/content": b"x"}
    (tmp_path / "program").unlink()
    assert sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar") == {"key/content": b"x"}


def test_another_content_is_refused(catalog: Catalog, tmp_path: Path):
    (tmp_path / "program").write_bytes(b"evil")
    write(
        catalog,
        "atlas",
        t={
            "type": "binary",
            "version": "1",
            "url": (tmp_path / "program").as_uri(),
            "sha256": hashlib.sha256(b"x").hexdigest(),
        },
    )
    manifests, _without = catalog.manifests(["atlas"])
    with pytest.raises(ShippingError, match="is not what the catalog declares"):
        sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_server_that_is_not_there(catalog: Catalog, tmp_path: Path):
    write(
        catalog,
        "atlas",
        t={"type": "binary", "version": "1", "url": "http://127.0.0.1:9/t", "sha256": "a" * 64},
    )
    manifests, _without = catalog.manifests(["atlas"])
    with pytest.raises(
        ShippingError, match=r"t cannot be downloaded from http://127.0.0.1:9/t: .*refused"
    ):
        sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")


def test_check_mode_reports_what_cannot_be_had_and_downloads_nothing(
    catalog: Catalog, tmp_path: Path
):
    (tmp_path / "there").write_bytes(b"x")
    commit = repository(tmp_path / "repository", run="x")
    binary = {"type": "binary", "version": "1", "sha256": "a" * 64}
    git = {"type": "git", "version": "1", "commit": commit, "commands": ["run"]}
    write(
        catalog,
        "atlas",
        there={**binary, "url": f"file://{tmp_path}/there"},
        dead={**binary, "url": "http://127.0.0.1:9/t", "sha256": "b" * 64},
        git={**git, "repository": str(tmp_path / "repository")},
        # Beside the catalog, where no such folder is.
        lost={**git, "repository": str(tmp_path / "lost"), "commands": {"lost": "run"}},
    )
    manifests, _without = catalog.manifests(["atlas"])
    writer = BundleWriter(catalog, {manifest["name"]: manifest for manifest in manifests})
    missing = [
        {"object": name, "project": "atlas", "tool": name, "variant": 0}
        for name in ("there", "dead", "git", "lost")
    ]
    reasons = writer.unobtainable(missing)
    assert sorted(reasons) == ["dead", "lost"]
    assert "dead cannot be downloaded from http://127.0.0.1:9/t" in reasons["dead"]
    assert "git ls-remote" in reasons["lost"]
    assert [path for path in (tmp_path / "downloads").iterdir() if path.is_file()] == []


def test_a_commit(catalog: Catalog, tmp_path: Path):
    commit = repository(tmp_path / "repository", run="x")
    write(
        catalog,
        "atlas",
        t={
            "type": "git",
            "version": "1",
            "repository": str(tmp_path / "repository"),
            "commit": commit,
            "commands": ["run"],
        },
    )
    manifests, _without = catalog.manifests(["atlas"])
    assert list(sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")) == ["key/archive"]


def test_a_commit_that_is_not_there(catalog: Catalog, tmp_path: Path):
    repository(tmp_path / "repository", run="x")
    write(
        catalog,
        "atlas",
        t={
            "type": "git",
            "version": "1",
            "repository": str(tmp_path / "repository"),
            "commit": "a" * 40,
            "commands": ["run"],
        },
    )
    manifests, _without = catalog.manifests(["atlas"])
    with pytest.raises(ShippingError, match="commit aaaaaaaaaaaa of t cannot be fetched"):
        sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")


def test_an_option_is_no_repository(catalog: Catalog, tmp_path: Path):
    write(
        catalog,
        "atlas",
        t={
            "type": "git",
            "version": "1",
            "repository": "--upload-pack=touch evil",
            "commit": "a" * 40,
            "commands": ["run"],
        },
    )
    manifests, _without = catalog.manifests(["atlas"])
    with pytest.raises(ShippingError, match="cannot be fetched"):
        sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")
    assert not Path("evil").exists()


def test_a_project_in_a_repository_of_its_own(catalog: Catalog, tmp_path: Path):
    tool = {"type": "script", "version": "1", "file": "t.sh"}
    commit = repository(
        tmp_path / "repository", **{"project.yml": json.dumps({"tools": {"t": tool}}), "t.sh": "x"}
    )
    (Path(catalog.folder) / "atlas.yml").write_text(
        json.dumps({"repository": str(tmp_path / "repository"), "commit": commit})
    )
    for _time in range(2):
        manifests, _without = catalog.manifests(["atlas"])
        assert sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar") == {"key/content": b"x"}
    (Path(catalog.folder) / "atlas.yml").write_text(
        json.dumps(
            {"repository": str(tmp_path / "repository"), "commit": commit, "path": "other.yml"}
        )
    )
    assert "has no project's file other.yml" in faults(catalog.manifests(["atlas"])[0])["atlas"]


def test_a_repository_that_cannot_be_read_concerns_its_project_alone(
    catalog: Catalog, tmp_path: Path
):
    (Path(catalog.folder) / "atlas.yml").write_text(
        json.dumps({"repository": str(tmp_path / "none"), "commit": "a" * 40})
    )
    write(catalog, "beta", e={"type": "env", "variables": {"A": "b"}})
    found = faults(catalog.manifests(["atlas", "beta"])[0])
    assert found.keys() == {"atlas"} and "cannot be fetched: git fetch" in found["atlas"]


def test_wheels_that_are_not_in_the_lock_are_not_sent(catalog: Catalog, tmp_path: Path):
    folder = Path(catalog.folder)
    (folder / "wheels").mkdir()
    (folder / "wheels" / "good-1-py3-none-any.whl").write_bytes(b"good")
    (folder / "wheels" / "evil-1-py3-none-any.whl").write_bytes(b"evil")
    (folder / "lock.txt").write_text(
        f"good==1 --hash=sha256:{hashlib.sha256(b'good').hexdigest()}\n"
    )
    write(
        catalog,
        "atlas",
        t={
            "type": "python",
            "version": "1",
            "lock": "lock.txt",
            "wheels": "wheels",
            "commands": ["t"],
        },
    )
    manifests, _without = catalog.manifests(["atlas"])
    assert set(sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")) == {
        "key/lock",
        "key/wheels/good-1-py3-none-any.whl",
    }


def test_a_lock_without_a_wheel_for_a_named_system_is_told_before_any_machine_is_asked(
    catalog: Catalog,
):
    folder = Path(catalog.folder)
    (folder / "wheels").mkdir()
    (folder / "wheels" / "good-1-cp311-cp311-manylinux_2_17_x86_64.whl").write_bytes(b"good")
    (folder / "lock.txt").write_text(
        f"good==1 --hash=sha256:{hashlib.sha256(b'good').hexdigest()}\n"
    )
    platforms = [{"os": "linux", "arch": arch} for arch in ("x86_64", "aarch64")]
    write(
        catalog,
        "atlas",
        t={
            "type": "python",
            "version": "1",
            "lock": "lock.txt",
            "wheels": "wheels",
            "commands": ["t"],
            "platforms": platforms,
        },
    )
    assert faults(catalog.manifests(["atlas"])[0]) == {
        "atlas t": f"{catalog.folder}/atlas.yml:1:12: t: wheels has no wheel of good 1 for linux"
        " aarch64; lock.txt pins it"
    }


GIT = {"type": "git", "version": "1", "commands": ["run"]}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


def names_in(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as content:
        return {one.name: content.extractfile(one).read() for one in content if one.isfile()}


def test_exactly_the_files_of_a_commit(catalog: Catalog, tmp_path: Path):
    """Attributes of the repository leave out files, and change others, in an archive of git."""
    attributes = (
        "out export-ignore\nid export-subst\nident ident\nlines text eol=crlf\n"
        "big filter=lfs\nwide text working-tree-encoding=UTF-16\n"
    )
    files = {
        "out": "x",
        "id": "$Format:%H$",
        "ident": "$Id$",
        "lines": "a\nb\n",
        "big": "large\n",
        "run": "#!/bin/sh\n",
    }
    commit = repository(tmp_path / "r", **{".gitattributes": attributes}, **files)
    write(catalog, "atlas", t={**GIT, "repository": str(tmp_path / "r"), "commit": commit})
    manifests, _without = catalog.manifests(["atlas"])
    archive = sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")["key/archive"]
    (tmp_path / "a.tar").write_bytes(archive)
    found = names_in(str(tmp_path / "a.tar"))
    assert {name: found[name].decode() for name in files} == files


def test_a_pointer_of_lfs_is_no_file(catalog: Catalog, tmp_path: Path):
    commit = repository(tmp_path / "r", run="#!/bin/sh\n", **{"data.bin": POINTER})
    write(catalog, "atlas", t={**GIT, "repository": str(tmp_path / "r"), "commit": commit})
    manifests, _without = catalog.manifests(["atlas"])
    with pytest.raises(ShippingError, match=r"Git LFS has the content of data\.bin"):
        sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")


def test_a_pointer_of_lfs_beside_the_catalog(catalog: Catalog):
    (Path(catalog.folder) / "t").write_text(POINTER)
    kinds = {"script": {}, "file": {}, "binary": {"sha256": "a" * 64}}
    tools = {
        kind: {"type": kind, "version": "1", "file": "t", **more} for kind, more in kinds.items()
    }
    write(catalog, "atlas", **tools)
    found = faults(catalog.manifests(["atlas"])[0])
    assert found.keys() == {"atlas script", "atlas file", "atlas binary"}
    assert all("is a pointer of Git LFS; run `git lfs pull`" in fault for fault in found.values())


def test_a_submodule_is_refused_by_its_name(catalog: Catalog, tmp_path: Path):
    inner = repository(tmp_path / "inner", f="x")
    commit = repository(tmp_path / "r", run="#!/bin/sh\n")
    git = ("git", "-C", str(tmp_path / "r"), "-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(
        [*git, "update-index", "--add", "--cacheinfo", f"160000,{inner},lib"], check=True
    )
    subprocess.run([*git, "commit", "--quiet", "--message", "y"], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    write(catalog, "atlas", t={**GIT, "repository": str(tmp_path / "r"), "commit": commit})
    manifests, _without = catalog.manifests(["atlas"])
    with pytest.raises(ShippingError, match=r"the files of its submodules are not in it"):
        sent(catalog, manifests, "atlas", "t", tmp_path / "b.tar")
