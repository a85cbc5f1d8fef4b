# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy that the environment names for an address."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]


def environment_proxy(url: str) -> str:
    """Return the proxy for an address; empty without one, as for the loopback address.

    https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # the client itself reports an invalid address
        return ""
    # Undocumented, as proxy_bypass_environment is; the documented getproxies also reads settings of
    # the system.
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not proxy or is_loopback(parts.netloc) or proxy_bypass_environment(parts.netloc):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(address: str) -> bool:
    """Return whether a host, with or without a port, is this one."""
    host = re.sub(r":[0-9]+$", "", address).strip("[]").lower()
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
