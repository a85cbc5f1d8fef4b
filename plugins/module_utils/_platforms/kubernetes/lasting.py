# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that stay when they leave an app. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .api_kinds import SERVICE
from .compare import annotation

# Their data, or that of what is in them, cannot be restored.
KINDS = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
# https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource
POLICY = "helm.sh/resource-policy"


def has_policy(body: Mapping[str, Any]) -> bool:
    """Return whether an object of manifests stays by its annotation."""
    # Helm compares it so, too.
    return bool(annotation(body, SERVICE)) and annotation(body, POLICY).strip().lower() == "keep"


def is_kept(body: Mapping[str, Any]) -> bool:
    """Return whether an object stays, by its kind or by its annotation."""
    return body["kind"] in KINDS or has_policy(body)
