# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read files of the controller that may be Ansible Vault files."""

from __future__ import annotations

from ansible.parsing.dataloader import DataLoader


def read_decrypted(loader: DataLoader, path: str) -> bytes:
    """Return a file's bytes, decrypted where it is an Ansible Vault file."""
    # get_real_file decrypts to a file of its own, which Ansible removes at the end of the run.
    with open(loader.get_real_file(path), "rb") as stream:
        return stream.read()
