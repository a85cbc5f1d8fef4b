# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share fixtures among the tests of docs/ci."""

from __future__ import annotations

from pathlib import Path

import pytest

from .project_repository import ProjectRepository


@pytest.fixture
def repository(tmp_path: Path) -> ProjectRepository:
    """A repository, and a stand-in for ansible-playbook."""
    return ProjectRepository(tmp_path)
