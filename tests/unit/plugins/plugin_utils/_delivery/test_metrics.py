# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery tells those who watch."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import metrics

NOW = 1_800_000_000.25  # 2027-01-15T08:00:00Z, and a little


def row(state: str, since: str = "") -> dict[str, str]:
    return {"state": state, "since": since}


def samples(text: str) -> dict[str, float]:
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


def test_a_good_run():
    found = samples(
        metrics.render(
            [
                row("ready"),
                row("ready"),
                row("waiting", "2027-01-15T07:59:00Z"),
                row("waiting", "2027-01-15T07:00:00Z"),
            ],
            NOW,
            5,
            removals_blocked=False,
        )
    )
    assert found == {
        "shipping_delivery_last_run_timestamp_seconds": NOW,
        "shipping_delivery_last_success_timestamp_seconds": NOW,
        'shipping_delivery_hosts{state="ready"}': 2,
        'shipping_delivery_hosts{state="waiting"}': 2,
        'shipping_delivery_hosts{state="failed"}': 0,
        'shipping_delivery_hosts{state="blocked"}': 0,
        'shipping_delivery_hosts{state="incomplete"}': 0,
        "shipping_delivery_lag_seconds": 3600,
        "shipping_delivery_removals_blocked": 0,
    }


@pytest.mark.parametrize(("state", "blocked"), [("failed", False), ("blocked", True)])
def test_a_run_that_failed_keeps_the_last_success(state, blocked):
    found = samples(metrics.render([row(state)], NOW, 5, removals_blocked=blocked))
    assert (
        found["shipping_delivery_last_success_timestamp_seconds"] == 5
        and found["shipping_delivery_last_run_timestamp_seconds"] == NOW
    )
    assert found["shipping_delivery_removals_blocked"] == blocked
    assert "shipping_delivery_last_success_timestamp_seconds" not in samples(
        metrics.render([row(state)], NOW, None, removals_blocked=blocked)
    )


def test_every_metric_is_explained_once():
    text = metrics.render([], NOW, None, removals_blocked=False)
    for name, meaning in metrics.METRICS.items():
        assert text.count(f"# HELP {name} {meaning}\n# TYPE {name} gauge\n") == 1


def test_the_file_is_replaced_and_readable(tmp_path: Path):
    path = tmp_path / "delivery.prom"
    metrics.write(str(path), [row("ready")], removals_blocked=False)
    good = metrics.read_last_success(str(path))
    metrics.write(str(path), [row("failed")], removals_blocked=False)
    assert good and metrics.read_last_success(str(path)) == good
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 and [
        entry.name for entry in tmp_path.iterdir()
    ] == ["delivery.prom"]


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(
        ShippingError,
        match=r"delivery\.prom cannot be written: No such file or directory\. Correct metrics_path",
    ):
        metrics.write(str(tmp_path / "none" / "delivery.prom"), [], removals_blocked=False)
