# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what the code knows into the guides: ``make docs``."""

from __future__ import annotations

from .event_schema import (
    EVENT_SCHEMA,
    WEBHOOK_SCHEMA,
    event_schema_text,
    webhook_schema_text,
)
from .tables import (
    EXPERIMENT_SCHEMA,
    FILLED,
    SCHEMA,
    SHIPPING_SCHEMA,
    experiment_schema_text,
    filled,
    schema_text,
    shipping_schema_text,
)

for guide in FILLED:
    guide.write_text(filled(guide.read_text()))
SCHEMA.write_text(schema_text())
SHIPPING_SCHEMA.write_text(shipping_schema_text())
EXPERIMENT_SCHEMA.write_text(experiment_schema_text())
EVENT_SCHEMA.write_text(event_schema_text())
WEBHOOK_SCHEMA.write_text(webhook_schema_text())
