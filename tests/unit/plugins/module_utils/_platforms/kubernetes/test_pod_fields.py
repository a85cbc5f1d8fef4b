# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import pod_fields

SPLIT = [
    ("a==b", ("a", "==", "b")),
    (" node.labels.x  !=  y z ", ("node.labels.x", "!=", "y z")),
    ("a=b", None),
    ("a ==", None),
    ("== b", None),
    ("a b == c", None),
]


@pytest.mark.parametrize(("text", "parts"), SPLIT)
def test_constraints_are_split(text, parts):
    assert pod_fields.split_constraint(text) == parts
