# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the CA file of the system, for libraries without a default."""

from __future__ import annotations

import os
import ssl

# libldap takes a folder with OpenSSL only; Debian builds it with GnuTLS.
_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)


def system_authorities() -> str:
    """Return the file that Python's ssl would trust: SSL_CERT_FILE's, else the system's."""
    return next(
        (path for path in (ssl.get_default_verify_paths().cafile, *_FILES) if _is_file(path)), ""
    )


def _is_file(path: str | None) -> bool:
    return bool(path) and os.path.isfile(str(path))
