# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names by which services find each other in a namespace, and the keys of labels.

Names: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

from __future__ import annotations

import re

from ..._core.content_ids import fit

# The name of a Service is a label of RFC 1035, which begins with a letter.
LABEL_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")

# The key of a label or annotation: a prefix of at most 253 characters, a name of at most 63 (labels
# and selectors, "Syntax").
LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


def published_name(service: str) -> str:
    """Return the name of the Service by which a service is seen from outside."""
    return fit(f"{service}-published", 63)
