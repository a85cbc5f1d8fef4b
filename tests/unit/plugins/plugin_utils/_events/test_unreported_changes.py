# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener that does not report what the directory itself marks as changed is dead."""

from __future__ import annotations

from ansible_collections.shipping.code.plugins.plugin_utils._events.unreported_changes import (
    UnreportedChanges,
)


def test_what_was_decided_or_waits_is_not_unknown():
    changes = UnreportedChanges()
    changes.decided({"a"})
    assert changes.unknown({"a", "b", "c"}, {"b"}) == {"c"}
    # Polling finds each change once, so that a later one of the same entry is a new one.
    assert changes.unknown({"a"}, set()) == {"a"}


def test_what_is_not_reported_is_overdue_once():
    changes = UnreportedChanges()
    changes.expect({"a", "b"})
    assert not changes.take_overdue(60)
    changes.report({"a", "elsewhere"})
    assert changes.take_overdue(0) == ["b"]
    assert not changes.take_overdue(0)
