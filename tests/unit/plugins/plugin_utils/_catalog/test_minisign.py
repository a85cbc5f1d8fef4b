# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures that minisign 0.11 made, and what it would not have made."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._catalog import minisign
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.signature_errors import (
    BadSignature,
    UnusableKey,
)
from hypothesis import given
from hypothesis import strategies as st

from .minisign_samples import KEY, OTHER_KEY, SIGNATURES, TOOL


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    (tmp_path / "tool").write_bytes(TOOL)
    return tmp_path / "tool"


@pytest.mark.parametrize("way", SIGNATURES)
def test_a_good_one(tool: Path, way: str):
    minisign.verify(SIGNATURES[way], KEY, str(tool))
    minisign.verify(SIGNATURES[way].replace("\n", "\r\n"), KEY, str(tool))


def test_the_id_of_a_key_is_what_minisign_prints():
    assert minisign.shown(minisign.read_key(KEY).id) == "C34C31982B743C0D"


@pytest.mark.parametrize("way", SIGNATURES)
def test_bad_ones(tool: Path, way: str):
    text = SIGNATURES[way]
    with pytest.raises(BadSignature, match="it was made with the key C34C31982B743C0D"):
        minisign.verify(text, OTHER_KEY, str(tool))
    with pytest.raises(BadSignature, match="its trusted comment is not what was signed"):
        minisign.verify(text.replace("tool 1.0", "tool 2.0"), KEY, str(tool))
    with pytest.raises(BadSignature, match="it is no signature of minisign"):
        minisign.verify("<html>Not found</html>\n" * 4, KEY, str(tool))
    tool.write_bytes(TOOL + b"rm -rf ~\n")
    with pytest.raises(BadSignature, match="the file is not what was signed"):
        minisign.verify(text, KEY, str(tool))


def test_a_signature_of_one_way_is_none_of_the_other(tool: Path):
    text = SIGNATURES["prehashed"].replace("RUQN", "RWQN")
    with pytest.raises(BadSignature, match="the file is not what was signed"):
        minisign.verify(text, KEY, str(tool))


@pytest.mark.parametrize("key", ["", "cosign.pub", KEY[:-4], f"AA{KEY[2:]}", "ü"])
def test_no_key(key: str):
    with pytest.raises(UnusableKey, match="must be a public key of minisign"):
        minisign.read_key(key)


@given(st.sampled_from(list(SIGNATURES)), st.integers(0, 300), st.text(min_size=1, max_size=3))
def test_any_change_is_refused(tmp_path_factory, way: str, place: int, piece: str):
    text = SIGNATURES[way]
    changed = text[:place] + piece + text[place + len(piece) :]
    path = tmp_path_factory.mktemp("any") / "tool"
    path.write_bytes(TOOL)
    kept = [line.rstrip("\r") for line in text.splitlines()]
    # The first line is signed by nobody.
    if changed.splitlines()[1:4] == kept[1:4]:
        return
    with contextlib.suppress(BadSignature):
        minisign.verify(changed, KEY, str(path))
        raise AssertionError(changed)
