# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For ansible-test, in the place of the get-pip.py that it downloads.

Takes Python's own pip and updates it from the index.
"""

import ensurepip
import os
import ssl
import subprocess
import sys

ensurepip.bootstrap()
# An old pip knows only the certificate authorities that came with it.
if authorities := ssl.get_default_verify_paths().cafile:
    os.environ.setdefault("PIP_CERT", authorities)
packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *packages]))
