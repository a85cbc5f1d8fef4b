# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be shown is not shown."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.masking import (
    HIDDEN,
    mask,
    words_of,
)
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.lists(st.text(min_size=3, max_size=12).filter(str.strip), min_size=1, max_size=4),
    st.text(max_size=20),
)
def test_no_hidden_word_is_left(secrets, text):
    words = words_of(secrets)
    masked = mask({"text": [text + "".join(secrets), secrets[0]]}, words)
    shown = HIDDEN.join(masked["text"]).split(HIDDEN)
    assert not [word for word in words if any(word in text for text in shown)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("010000", HIDDEN),
        ("a 010 and 000.", f"a {HIDDEN} and {HIDDEN}."),
        ("00000", HIDDEN),
        ("0100 000", f"{HIDDEN}0 {HIDDEN}"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_secrets_that_overlap_leave_no_part(text, shown):
    assert mask(text, words_of(["010", "000"])) == shown


def test_lines_of_a_longer_secret_are_hidden_too():
    words = words_of([b"-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nend\n"])
    assert mask("it said MIIEowIBAAKCAQEA and end", words) == f"it said {HIDDEN} and end"
