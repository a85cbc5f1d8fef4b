# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent of content that is compressed or signed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import compressed_file
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.bundle_writer import (
    BundleWriter,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.catalog_folder import Catalog
from backports import zstd

from .minisign_samples import KEY, OTHER_KEY, SIGNATURES, TOOL

PLAIN = b"#!/bin/sh\necho hello\n"


def packed_tar(content: bytes = PLAIN) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        info = tarfile.TarInfo("bin/t")
        info.size = len(content)
        packed.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


MISSING = [{"object": "key", "project": "p", "tool": "t", "variant": 0}]


class Sender:
    """A catalog with one tool, and what is sent of it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = top / "projects"
        self.folder.mkdir()

    def send(self, name: str, content: bytes, **more: Any) -> tuple[dict[str, bytes], str]:
        """Return the files that are sent for a tool of these bytes, or why they are not."""
        (self.folder / name).write_bytes(content)
        tool = {"type": "binary", "version": "1", "file": name, **more}
        if "sha512" not in tool:
            tool["sha256"] = hashlib.sha256(content).hexdigest()
        (self.folder / "p.yml").write_text(json.dumps({"tools": {"t": tool}}))
        return self.sent()

    def sent(self) -> tuple[dict[str, bytes], str]:
        """Return the files that are sent for the tool, or why they are not."""
        path = self.top / "bundle.tar"
        answer = self.writer().write(str(path), MISSING)
        with tarfile.open(path) as bundle:
            files = {member.name: bundle.extractfile(member).read() for member in bundle}  # type: ignore[union-attr]
        return files, answer["unsent"].get("key", "")

    def writer(self) -> BundleWriter:
        catalog = Catalog(str(self.folder), str(self.top / "downloads"))
        manifests, _without = catalog.manifests(["p"])
        assert "fault" not in manifests[0], manifests[0]["fault"]
        return BundleWriter(catalog, {"p": manifests[0]})


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    yield Sender(tmp_path)


def test_zstd_is_converted_for_workstations(sender: Sender):
    for _again in range(2):
        files, why = sender.send("t.zst", zstd.compress(PLAIN) + zstd.compress(b"more"))
        assert not why and list(files) == ["key/content.gz"]
        assert gzip.decompress(files["key/content.gz"]) == PLAIN + b"more"


def test_a_tar_in_zstd(sender: Sender):
    content = zstd.compress(packed_tar())
    files, why = sender.send("t.tar.zst", content, type="archive", commands=["bin/t"])
    assert not why and gzip.decompress(files["key/archive.gz"]) == packed_tar()


def test_a_gzip_is_sent_as_it_is_published(sender: Sender):
    content = gzip.compress(PLAIN)
    sha512 = hashlib.sha512(content).hexdigest()
    assert sender.send("t.gz", content, sha512=sha512) == ({"key/content": content}, "")
    files, why = sender.send("t.gz", content, sha512="0" * 128)
    assert not files and f"its sha512 is {sha512}, and the catalog has {'0' * 128}" in why


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.gz", PLAIN, "t.gz is not compressed as gz, but not at all"),
        ("t.xz", gzip.compress(PLAIN), "t.xz is not compressed as xz, but as gz"),
        ("t.tgz", gzip.compress(packed_tar()), "t.tgz is a tar, and not one program"),
        ("t.tar.zst", zstd.compress(packed_tar()), "is a tar, and not one program"),
        (
            "t.zst",
            zstd.compress(PLAIN)[:-5],
            "the compressed file of t cannot be read: zst reports ",
        ),
        (
            "t.zst",
            zstd.compress(PLAIN) + b"rest",
            "the compressed file of t cannot be read: zst reports ",
        ),
    ],
    # The content has the time of its compression.
    ids=["plain", "gz", "tar in gz", "tar in zst", "cut off", "trailing"],
)
def test_not_what_it_is_called(sender: Sender, name: str, content: bytes, said: str):
    files, why = sender.send(name, content)
    assert not files and said in why


def test_much_from_little(sender: Sender, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compressed_file, "MAX_SIZE", 1 << 20)
    files, why = sender.send("t.zst", zstd.compress(bytes(1 << 24)))
    assert not files and "the compressed file of t is too large" in why


def test_a_python_without_zstd(sender: Sender, monkeypatch: pytest.MonkeyPatch):
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    files, why = sender.send("t.zst", zstd.compress(PLAIN))
    assert not files and "install the Python package backports.zstd (1.3 or newer, below 2)" in why


def test_a_signature_beside_the_catalog(sender: Sender):
    (sender.folder / "t.minisig").write_text(SIGNATURES["prehashed"])
    signed = {"minisign": {"key": KEY, "file": "t.minisig"}}
    assert sender.send("t", TOOL, signature=signed) == ({"key/content": TOOL}, "")
    signed["minisign"]["key"] = OTHER_KEY
    files, why = sender.send("t", TOOL, signature=signed)
    assert not files and why == (
        "t is not delivered: its signature t.minisig does not match the minisign key"
        " 3870D611FF48D102, since it was made with the key C34C31982B743C0D. Check the origin of"
        " the file and its signature before you change the key."
    )


def test_a_signature_that_is_mended_where_it_comes_from(sender: Sender):
    source = sender.top / "t.minisig"
    source.write_text("no signature")
    signed = {"minisign": {"key": KEY, "url": source.as_uri()}}
    files, why = sender.send("t", TOOL, signature=signed)
    assert not files and f"its signature {source.as_uri()} does not match" in why
    source.write_text(SIGNATURES["whole"])
    assert sender.send("t", TOOL, signature=signed) == ({"key/content": TOOL}, "")
    # It is kept with the content that it signs.
    source.unlink()
    assert sender.send("t", TOOL, signature=signed) == ({"key/content": TOOL}, "")


def test_no_message_has_a_login(sender: Sender):
    url = "http://ada:secret@127.0.0.1:9/t.minisig"
    signed = {"minisign": {"key": KEY, "url": url}}
    files, why = sender.send("t", TOOL, signature=signed)
    assert not files and "from http://127.0.0.1:9/t.minisig" in why and "secret" not in why
    git = {"type": "git", "repository": url, "commit": "a" * 40, "commands": ["t"]}
    (sender.folder / "p.yml").write_text(json.dumps({"tools": {"t": {"version": "1", **git}}}))
    files, why = sender.sent()
    assert not files and "git fetch failed" in why and "secret" not in why


def test_no_message_has_a_word_of_the_netrc(sender: Sender, monkeypatch: pytest.MonkeyPatch):
    netrc = sender.top / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada pasword secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    signed = {"minisign": {"key": KEY, "url": "http://127.0.0.1:9/t.minisig"}}
    _files, why = sender.send("t", TOOL, signature=signed)
    assert f"{netrc}, line 1" in why and "secret" not in why and "pasword" not in why


def test_check_mode_reports_a_signature_that_is_not_there(sender: Sender):
    (sender.top / "t").write_bytes(TOOL)
    where = sender.top / "t.minisig"
    signed = {"minisign": {"key": KEY, "url": where.as_uri()}}
    tool = {"type": "binary", "version": "1", "url": (sender.top / "t").as_uri()}
    tool |= {"sha256": hashlib.sha256(TOOL).hexdigest(), "signature": signed}
    (sender.folder / "p.yml").write_text(json.dumps({"tools": {"t": tool}}))
    assert where.as_uri() in sender.writer().unobtainable(MISSING)["key"]
    where.write_text(SIGNATURES["whole"])
    assert sender.writer().unobtainable(MISSING) == {}
