# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools of the type npm on both sides, from a catalog to commands of a user."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import deliver
from ansible_collections.shipping.code.plugins.module_utils._toolbox.bundle_reader import Bundle

from .archives import Box, archive, user

# The catalog's side needs PyYAML, which the oldest Python's environment does not have.
CATALOG = "ansible_collections.shipping.code.plugins.plugin_utils._catalog"
catalog_folder = pytest.importorskip(f"{CATALOG}.catalog_folder")
bundle_writer = pytest.importorskip(f"{CATALOG}.bundle_writer")

# Without a real node, a shell stands in for it: it prints the script that it was to run.
NODE = "#!/bin/sh\ncat $1\n"


class Npm:
    """A catalog with a lock and its tarballs, and what is delivered of it."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.folder = box.top / "catalog"
        (self.folder / "tarballs").mkdir(parents=True)
        self.packages: dict[str, Any] = {"": {"dependencies": {"lint": "1"}}}
        self.tool: dict[str, Any] = {
            "type": "npm",
            "version": "1",
            "package_lock": "package-lock.json",
            "tarballs": "tarballs",
            "commands": ["lint"],
            "needs": ["node"],
        }
        (self.folder / "node").write_text(NODE)

    def add(self, path: str, files: dict[str, str], **more: Any) -> Path:
        """Add a package to the lock, and its tarball beside the catalog."""
        packed = archive(*((f"package/{name}", text.encode()) for name, text in files.items()))
        digest = hashlib.sha512(packed).digest()
        tarball = self.folder / "tarballs" / f"{digest.hex()[:8]}.tgz"
        tarball.write_bytes(packed)
        integrity = f"sha512-{base64.b64encode(digest).decode()}"
        self.packages[path] = {"version": "1.0.0", "integrity": integrity, **more}
        return tarball

    def deliver(self) -> dict[str, Any]:
        """Deliver the catalog as it is, in two rounds as an action does."""
        lock = {"lockfileVersion": 3, "packages": self.packages}
        (self.folder / "package-lock.json").write_text(json.dumps(lock))
        node = {"type": "script", "version": "1", "file": "node"}
        tools = {"lint": self.tool, "node": node}
        (self.folder / "p.yml").write_text(json.dumps({"tools": tools}))
        catalog = catalog_folder.Catalog(str(self.folder), str(self.box.top / "downloads"))
        self.box.projects, _without = catalog.manifests(["p"])
        request = self.box.request(user("daemon", "p"))
        answer = deliver.deliver(request)
        if not answer["missing"]:
            return answer
        path = str(self.box.top / "sent.tar")
        writer = bundle_writer.BundleWriter(catalog, {"p": self.box.projects[0]})
        unsent = writer.write(path, answer["missing"])["unsent"]
        return deliver.deliver(request._replace(bundle=Bundle(path), unsent=unsent))

    @property
    def faults(self) -> list[str]:
        return [tool["fault"] for tool in self.box.projects[0]["tools"] if "fault" in tool]


@pytest.fixture
def npm(box: Box) -> Npm:
    return Npm(box)


def test_the_tree_and_its_commands(npm: Npm) -> None:
    npm.add(
        "node_modules/lint",
        {"bin/lint.js": "#!/usr/bin/env node\r\nlint 1\n", "index.js": "x"},
        bin={"lint": "bin/lint.js"},
    )
    npm.add("node_modules/@s/dep", {"index.js": "dep"})
    npm.add("node_modules/lint/node_modules/@s/dep", {"index.js": "inner"})
    npm.add("node_modules/dev", {"index.js": "x"}, dev=True)
    other = npm.add("node_modules/mac", {"index.js": "x"}, optional=True, os=["darwin"])
    other.unlink()
    report = npm.deliver()
    assert report["ready"], report["failure_texts"]
    assert npm.box.said("lint").splitlines() == ["#!/usr/bin/env node", "lint 1"]
    (place,) = (npm.box.root / "store").glob("*-lint-1")
    top = place / "files" / "node_modules"
    assert {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()} == {
        ".bin/lint",
        "lint/bin/lint.js",
        "lint/index.js",
        "lint/node_modules/@s/dep/index.js",
        "@s/dep/index.js",
    }
    assert not npm.deliver()["changed"]


def test_a_path_of_node(npm: Npm) -> None:
    del npm.tool["needs"]
    shutil.copy(npm.folder / "node", npm.box.top / "node")
    (npm.box.top / "node").chmod(0o755)
    npm.tool["node"] = str(npm.box.top / "node")
    npm.add("node_modules/lint", {"l.js": "#!/usr/bin/env node\nx\n"}, bin={"lint": "l.js"})
    report = npm.deliver()
    assert report["ready"], report["failure_texts"]
    assert npm.box.said("lint").splitlines() == [f"#!{npm.tool['node']}", "x"]
    assert (npm.box.view("daemon") / "bin" / "lint").is_symlink()


@pytest.mark.skipif(not shutil.which("node"), reason="needs a real node")
def test_a_real_node(npm: Npm) -> None:
    del npm.tool["needs"]
    npm.tool |= {"node": os.path.realpath(str(shutil.which("node"))), "self_test": ["lint"]}
    lint = "#!/usr/bin/env node\nrequire('dep')"
    npm.add("node_modules/lint", {"l.js": lint}, bin={"lint": "l.js"})
    npm.add("node_modules/dep", {"index.js": "console.log('from dep')"})
    assert npm.deliver()["ready"] and npm.box.said("lint") == "from dep"


def test_a_tarball_that_is_not_there(npm: Npm) -> None:
    npm.add("node_modules/lint", {"l.js": "x"}, bin={"lint": "l.js"}).unlink()
    failure = npm.deliver()["catalog_errors"][0]["reason"]
    assert "tarballs has no tarball with the integrity of lint@1.0.0" in failure
    assert npm.box.commands("daemon") == {"node"}


def test_a_tarball_from_a_registry(npm: Npm) -> None:
    tarball = npm.add("node_modules/@s/lint", {"l.js": "x"}, bin={"lint": "l.js"})
    place = npm.box.top / "registry" / "@s" / "lint" / "-"
    place.mkdir(parents=True)
    tarball.rename(place / "lint-1.0.0.tgz")
    del npm.tool["tarballs"]
    assert npm.deliver()["catalog_errors"] and "does not say where @s/lint@1.0.0" in npm.faults[0]
    npm.tool["registry"] = (npm.box.top / "registry").as_uri()
    report = npm.deliver()
    assert report["ready"], report["failure_texts"]
    assert len(os.listdir(npm.box.top / "downloads")) == 1


def test_another_tarball_than_the_lock_has(npm: Npm) -> None:
    npm.add("node_modules/lint", {"l.js": "x"}, bin={"lint": "l.js"}, resolved="https://x/")
    (tarball,) = (npm.folder / "tarballs").iterdir()
    place = npm.box.top / "registry" / "lint" / "-"
    place.mkdir(parents=True)
    (place / "lint-1.0.0.tgz").write_bytes(tarball.read_bytes() + b"evil")
    tarball.unlink()
    npm.tool["registry"] = (npm.box.top / "registry").as_uri()
    failure = npm.deliver()["catalog_errors"][0]["reason"]
    assert "lint@1.0.0 is not what the catalog declares: its sha512 is" in failure


def test_a_lock_that_is_rejected_names_its_place(npm: Npm) -> None:
    npm.add("node_modules/lint", {"l.js": "x"}, bin={"lint": "l.js"}, hasInstallScript=True)
    npm.deliver()
    assert npm.faults == [
        f"{npm.folder}/p.yml:1:12: lint: package-lock.json: lint@1.0.0 have install scripts, which"
        " are not run. Write their names under without_scripts if they work without"
    ]
    npm.tool["without_scripts"] = ["lint"]
    assert npm.deliver()["ready"]
