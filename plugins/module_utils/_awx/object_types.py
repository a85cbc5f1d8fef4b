# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of managed objects of AWX, in the order of creation. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ObjectType:
    """A type of objects, with the names of AWX's API."""

    name: str
    noun: str
    fields: Mapping[str, str]
    """The type of each field."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Fields that name an object of another kind."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Related lists that name objects of another kind."""
    scope: tuple[str, ...] = ()
    """The references within which a name is unique; without any, it is unique in all of AWX."""
    listed_as: str = ""
    """The key of its list in the root of the API, where that is not its name."""
    unsent: tuple[str, ...] = ()
    """Fields that AWX sets itself."""
    needed: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """Mappings that AWX keeps as text."""
    secret: str = ""
    """The mapping in which AWX hides values."""
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The smallest and the largest number that a field takes."""

    @property
    def address_key(self) -> str:
        """Return the key of its list in the root of the API."""
        return self.listed_as or self.name


# PostgreSQL's integer, in which AWX keeps numbers.
_NUMBER = (0, 2**31 - 1)
_SHARED = {"name": "str", "description": "str"}
_OWNED = {**_SHARED, "organization": "str"}
_NOTIFICATIONS = {
    f"notification_templates_{event}": "notification_templates"
    for event in ("started", "success", "error")
}

KINDS = (
    ObjectType(
        "organizations",
        "organization",
        {**_SHARED, "max_hosts": "int"},
        ranges={"max_hosts": _NUMBER},
    ),
    ObjectType(
        "credential_types",
        "credential type",
        {**_SHARED, "kind": "str", "inputs": "dict", "injectors": "dict"},
    ),
    ObjectType(
        "credentials",
        "credential",
        {**_OWNED, "credential_type": "str", "inputs": "dict"},
        references={"organization": "organizations", "credential_type": "credential_types"},
        # The same name with another type is another credential.
        scope=("organization", "credential_type"),
        needed=("organization", "credential_type"),
        secret="inputs",  # noqa: S106 - the name of a field
    ),
    ObjectType(
        "execution_environments",
        "execution environment",
        {**_OWNED, "image": "str", "pull": "str", "credential": "str"},
        references={"organization": "organizations", "credential": "credentials"},
        # No scope: AWX takes each name once, whichever organization has it.
        needed=("organization", "image"),
    ),
    ObjectType(
        "projects",
        "project",
        {
            **_OWNED,
            **dict.fromkeys(
                ("scm_type", "scm_url", "scm_branch", "credential", "default_environment"), "str"
            ),
            **dict.fromkeys(("scm_clean", "scm_update_on_launch", "allow_override"), "bool"),
            **dict.fromkeys(("scm_update_cache_timeout", "timeout"), "int"),
        },
        references={
            "organization": "organizations",
            "credential": "credentials",
            "default_environment": "execution_environments",
        },
        scope=("organization",),
        needed=("organization", "scm_url"),
        ranges={"scm_update_cache_timeout": _NUMBER, "timeout": _NUMBER},
    ),
    ObjectType(
        "inventories",
        "inventory",
        {**_OWNED, "variables": "dict"},
        references={"organization": "organizations"},
        scope=("organization",),
        # The addresses of single inventories have the plural, as all others.
        listed_as="inventory",
        needed=("organization",),
        texts=("variables",),
    ),
    ObjectType(
        "notification_templates",
        "notification template",
        {**_OWNED, "notification_type": "str", "notification_configuration": "dict"},
        references={"organization": "organizations"},
        scope=("organization",),
        needed=("organization", "notification_type", "notification_configuration"),
        # A token or a password is among the values, under a name that depends on the type.
        secret="notification_configuration",  # noqa: S106 - the name of a field
    ),
    ObjectType(
        "inventory_sources",
        "inventory source",
        {
            **_SHARED,
            **dict.fromkeys(
                (
                    "inventory",
                    "source",
                    "source_project",
                    "source_path",
                    "credential",
                    "execution_environment",
                ),
                "str",
            ),
            **dict.fromkeys(("overwrite", "overwrite_vars", "update_on_launch"), "bool"),
            **dict.fromkeys(("update_cache_timeout", "timeout", "verbosity"), "int"),
            "source_vars": "dict",
        },
        references={
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
        lists=_NOTIFICATIONS,
        scope=("inventory",),
        needed=("inventory", "source_project", "source_path"),
        ranges={"update_cache_timeout": _NUMBER, "timeout": _NUMBER, "verbosity": (0, 2)},
        texts=("source_vars",),
    ),
    ObjectType(
        "job_templates",
        "job template",
        {
            **_OWNED,
            **dict.fromkeys(
                ("job_type", "inventory", "project", "playbook", "limit", "execution_environment"),
                "str",
            ),
            **dict.fromkeys(("forks", "timeout", "verbosity"), "int"),
            **dict.fromkeys(
                (
                    "ask_limit_on_launch",
                    "ask_variables_on_launch",
                    "allow_simultaneous",
                    "become_enabled",
                ),
                "bool",
            ),
            "extra_vars": "dict",
        },
        references={
            "organization": "organizations",
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
        },
        lists={"credentials": "credentials", **_NOTIFICATIONS},
        scope=("organization",),
        # Read-only in AWX: a job template belongs to the organization of its project.
        unsent=("organization",),
        needed=("organization", "inventory", "project", "playbook"),
        ranges={"forks": _NUMBER, "timeout": _NUMBER, "verbosity": (0, 5)},
        texts=("extra_vars",),
    ),
    ObjectType(
        "schedules",
        "schedule",
        {
            **_SHARED,
            "unified_job_template": "str",
            "rrule": "str",
            "enabled": "bool",
            "extra_data": "dict",
        },
        references={"unified_job_template": "job_templates"},
        scope=("unified_job_template",),
        needed=("unified_job_template", "rrule"),
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}

_CHOICES = {
    "scm_type": ["git"],
    "pull": ["always", "missing", "never"],
    "job_type": ["run", "check"],
    "source": ["scm"],
}
# AWX lets users define credential types of these two kinds only.
_CREDENTIAL_TYPE_CHOICES = {"kind": ["cloud", "net"]}
# AWX has other defaults, with which these objects would not work.
DEFAULTS = {
    "projects": {"scm_type": "git"},
    "inventory_sources": {"source": "scm"},
    "credential_types": {"kind": "cloud"},
    "job_templates": {"job_type": "run"},
}


def arguments() -> dict[str, dict[str, Any]]:
    """Return the kinds as options of a module: a list of objects each."""
    return {
        kind.name: {"type": "list", "elements": "dict", "options": _options(kind)} for kind in KINDS
    }


def _options(kind: ObjectType) -> dict[str, dict[str, Any]]:
    choices = {**_CHOICES, **(_CREDENTIAL_TYPE_CHOICES if kind.name == "credential_types" else {})}
    needed = ("name", *kind.needed)
    options: dict[str, dict[str, Any]] = {
        name: {"type": kind_of} for name, kind_of in kind.fields.items()
    }
    options.update({name: {"type": "list", "elements": "str"} for name in kind.lists})
    for name, option in options.items():
        if name in needed:
            option["required"] = True
        if name in choices:
            option["choices"] = choices[name]
        if name in DEFAULTS.get(kind.name, {}):
            option["default"] = DEFAULTS[kind.name][name]
        if name == kind.secret:
            option["no_log"] = True
    return options
