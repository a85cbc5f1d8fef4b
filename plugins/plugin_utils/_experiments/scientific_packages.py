# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load numpy and scipy, which only effects of factors need."""

from __future__ import annotations

from typing import Any

from ...module_utils._core.errors import ShippingError


def load_scipy() -> tuple[Any, Any]:
    """Return the modules ``numpy`` and ``scipy.stats``."""
    try:
        import numpy
        from scipy import stats
    except ImportError as error:
        raise ShippingError(
            "the effects of factors cannot be estimated",
            "the Python package scipy is not installed on the control node",
            "Run pip install scipy",
        ) from error
    return numpy, stats
