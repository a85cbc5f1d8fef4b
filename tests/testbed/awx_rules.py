# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects with valid fields that AWX 24.6.1 rejects, in its words.

Each function names the file of AWX that it follows. A message is an error of a field, of ``detail``
or of ``__all__``, as AWX answers it with status 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import dateutil.parser
import dateutil.rrule
import dateutil.tz
import yaml
from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

HIDDEN = "$encrypted$"
Fields = Mapping[str, Any]


class Refused(Exception):
    """An answer of AWX that is no success."""

    def __init__(self, status: int, content: Any) -> None:
        super().__init__(status, content)
        self.status, self.content = status, content


class Objects(Protocol):
    """The objects that a rule may look at."""

    def of(self, kind: str, number: int | None) -> dict[str, Any]:
        """Return an object; an empty one if it does not exist."""

    def all_of(self, kind: str) -> Iterable[dict[str, Any]]:
        """Return all objects of a kind."""


def reject(field: str, *texts: str) -> Refused:
    """Return the answer that blames a field."""
    return Refused(400, {field: list(texts)})


# Kind, fields, and the words with which Django or AWX's own models name them.
_UNIQUE: dict[str, tuple[tuple[str, ...], str, str]] = {
    # awx/main/models/base.py: CommonModel, with the words of BaseSerializer.build_standard_field.
    "organizations": (("name",), "name", "Organization with this Name already exists."),
    "execution_environments": (
        ("name",),
        "name",
        "Execution environment with this Name already exists.",
    ),
    # unique_together of each model, in Django's words.
    "credential_types": (
        ("name", "kind"),
        "__all__",
        "Credential type with this Name and Kind already exists.",
    ),
    "credentials": (
        ("organization", "name", "credential_type"),
        "__all__",
        "Credential with this Organization, Name and Credential type already exists.",
    ),
    "inventories": (
        ("name", "organization"),
        "__all__",
        "Inventory with this Name and Organization already exists.",
    ),
    "notification_templates": (
        ("organization", "name"),
        "__all__",
        "Notification template with this Organization and Name already exists.",
    ),
    "teams": (
        ("organization", "name"),
        "__all__",
        "Team with this Organization and Name already exists.",
    ),
    "schedules": (
        ("unified_job_template", "name"),
        "__all__",
        "Schedule with this Unified job template and Name already exists.",
    ),
    # SOFT_UNIQUE_TOGETHER, awx/main/models/base.py and jobs.py. The order of the fields in the text
    # is that of a set of Python's.
    "projects": (
        ("name", "organization"),
        "__all__",
        "Project with this (name, organization) combination already exists.",
    ),
    "job_templates": (
        ("name", "organization"),
        "__all__",
        "JobTemplate with this (name, organization) combination already exists.",
    ),
    "inventory_sources": (
        ("name", "inventory"),
        "__all__",
        "InventorySource with this (name, inventory) combination already exists.",
    ),
    "workflow_job_templates": (
        ("name",),
        "__all__",
        "WorkflowJobTemplate with this (name, organization) combination already exists.",
    ),
}


def check_unique(kind: str, one: Fields, have: Fields | None, objects: Objects) -> None:
    """Reject a second object of the same name, within what AWX looks at."""
    fields, key, text = _UNIQUE[kind]
    if kind == "job_templates":
        # awx/main/models/jobs.py: validate_unique takes the organization of the project.
        one = {**one, "organization": objects.of("projects", one["project"]).get("organization")}
    wanted = [one.get(name) for name in fields]
    others = (other for other in objects.all_of(kind) if other is not have)
    if any([other.get(name) for name in fields] == wanted for other in others):
        raise reject(key, text)


def check_kind(kind: str, one: Fields, have: Fields | None, objects: Objects) -> None:
    """Reject what AWX rejects of one kind; ``one`` has all fields as they would be."""
    check = _CHECKS.get(kind)
    if check:
        check(one, have, objects)


# --- awx/main/fields.py: CredentialTypeInputField and CredentialTypeInjectorField


_INPUT_KEYS = {
    "type": str,
    "format": str,
    "choices": list,
    "id": str,
    "label": str,
    "help_text": str,
    "multiline": bool,
    "secret": bool,
    "ask_at_runtime": bool,
    "default": object,
}


def _check_credential_type(one: Fields, _have: Fields | None, _objects: Objects) -> None:
    _check_inputs(one["inputs"])
    _check_injectors(one["injectors"], [field["id"] for field in one["inputs"].get("fields", ())])
    # awx/api/serializers.py: CredentialTypeSerializer.validate.
    if one["kind"] not in ("cloud", "net"):
        raise reject("kind", f"Must be 'cloud' or 'net', not {one['kind']}")


def _check_inputs(inputs: Any) -> None:
    if not isinstance(inputs, dict):
        raise reject("inputs", f"{type(inputs).__name__} provided, expected dict")
    _check_keys("inputs", [], inputs, ("required", "fields"))
    seen = set()
    for index, field in enumerate(inputs.get("fields", ())):
        _check_input_field(index, field)
        if field["id"] in seen:
            raise reject("inputs", f"field IDs must be unique ({field['id']})")
        seen.add(field["id"])
        field.setdefault("type", "string")


def _check_input_field(index: int, field: Fields) -> None:
    _check_keys("inputs", ["fields", index], field, tuple(_INPUT_KEYS))
    for name in ("id", "label"):
        if name not in field:
            raise reject("inputs", f"'{name}' is a required property")
    if not re.search(r"^[a-zA-Z_]+[a-zA-Z0-9_]*$", field["id"]):
        raise reject("inputs", f"{field['id']} is an invalid variable name")
    if field.get("type", "string") not in ("string", "boolean"):
        raise reject("inputs", f"'{field['type']}' is not one of ['string', 'boolean']")
    if field["id"] == "tower":
        raise reject("inputs", '"tower" is a reserved field name')


def _check_keys(name: str, path: list[Any], value: Fields, known: tuple[str, ...]) -> None:
    """Reject unknown keys, in the words of jsonschema and of JSONSchemaField.validate."""
    for key in value:
        if key not in known:
            error = f"Additional properties are not allowed ('{key}' was unexpected)"
            raise reject(name, f"Schema validation error in relative path {path} ({error})")


def _check_injectors(injectors: Any, fields: list[str]) -> None:
    if not isinstance(injectors, dict):
        raise reject("injectors", f"{type(injectors).__name__} provided, expected dict")
    _check_keys("injectors", [], injectors, ("file", "env", "extra_vars"))
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_"):
            raise reject(
                "injectors",
                f"Environment variable {name} may affect Ansible configuration so its use is not"
                " allowed in credentials.",
            )
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for kind, templates in injectors.items():
        for key, text in templates.items():
            _check_template(environment, kind, key, text, fields)


def _check_template(
    environment: ImmutableSandboxedEnvironment, kind: str, key: str, text: str, fields: list[str]
) -> None:
    values: dict[str, Any] = {**dict.fromkeys(fields, "EXAMPLE"), "tower": {"filename": "EXAMPLE"}}
    try:
        environment.from_string(text).render(values)
    except UndefinedError as error:
        raise reject("injectors", f"{key} uses an undefined field ({error})") from error
    except TemplateSyntaxError as error:
        raise reject(
            "injectors", f"Syntax error rendering template for {key} inside of {kind} ({error})"
        ) from error


# --- awx/main/fields.py: CredentialInputField; awx/api/serializers.py: CredentialSerializerCreate


def _check_credential(one: Fields, have: Fields | None, objects: Objects) -> None:
    if have is None and not one.get("organization"):
        raise reject("detail", "Missing 'user', 'team', or 'organization'.")
    kind, inputs = objects.of("credential_types", one["credential_type"]), one["inputs"]
    fields = {field["id"]: field for field in kind["inputs"].get("fields", ())}
    if not isinstance(inputs, dict):
        raise reject("inputs", f"{type(inputs).__name__} provided, expected dict")
    if have is None:
        _check_hidden(inputs, fields)
    wrong: dict[str, list[str]] = {}
    for name, value in inputs.items():
        if name not in fields:
            text = f"Additional properties are not allowed ('{name}' was unexpected)"
            raise reject("inputs", text)
        if error := _input_error(fields[name], value):
            wrong[name] = [error]
    if wrong:
        raise Refused(400, {"inputs": wrong})


def _check_hidden(inputs: Fields, fields: Fields) -> None:
    for name, value in inputs.items():
        if value == HIDDEN and fields.get(name, {}).get("secret"):
            text = f"$encrypted$ is a reserved keyword, and cannot be used for {name}."
            raise reject("inputs", text)


def _input_error(field: Fields, value: Any) -> str:
    expected = bool if field.get("type") == "boolean" else str
    if not isinstance(value, expected):
        return f"{value!r} is not of type '{field.get('type', 'string')}'"
    text = str(value)
    is_key = field.get("format") == "ssh_private_key"
    if is_key and text not in ("", HIDDEN) and not text.startswith("-----BEGIN"):
        # awx/main/validators.py: validate_pem.
        return f"Invalid certificate or key: {text[:100]}..."
    return ""


# --- awx/main/validators.py: validate_container_image_name, with the grammar of distribution


_IMAGE = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:[_.]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[_.]|__|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)


def _check_execution_environment(one: Fields, have: Fields | None, objects: Objects) -> None:
    if not _IMAGE.fullmatch(one["image"]):
        raise reject("image", f"The container image name {one['image']} is not valid")
    # awx/api/serializers.py: ExecutionEnvironmentSerializer.
    if one["credential"] and _namespace(objects, one["credential"]) != "registry":
        raise reject(
            "credential",
            "Only Container Registry credentials can be associated with an Execution Environment",
        )
    if have and one["organization"] and one["organization"] != have["organization"]:
        raise reject("organization", "Cannot change the organization of an execution environment")


def _namespace(objects: Objects, credential: int) -> str | None:
    """Return what AWX calls the kind of a credential: the namespace of its type."""
    number = objects.of("credentials", credential)["credential_type"]
    namespace: str | None = objects.of("credential_types", number).get("namespace")
    return namespace


# --- awx/main/models/projects.py: clean_scm_url, clean_credential; utils/common.py: update_scm_url


_SCHEMES = {
    "git": ("ssh", "git", "git+ssh", "http", "https", "ftp", "ftps", "file"),
    "svn": ("http", "https", "svn", "svn+ssh", "file"),
    "archive": ("http", "https"),
    "insights": ("http", "https"),
}


def _check_project(one: Fields, have: Fields | None, objects: Objects) -> None:
    if not one["scm_type"]:
        for name in ("scm_update_on_launch", "scm_delete_on_update", "scm_clean"):
            if one[name]:
                raise reject(name, "Update options must be set to false for manual projects.")
        return
    error = _scm_url_error(one["scm_type"], one["scm_url"])
    if error:
        raise reject("scm_url", error)
    if one["credential"] and _namespace(objects, one["credential"]) != "scm":
        raise reject("credential", "Credential kind must be 'scm'.")
    if have and one["organization"] != have["organization"]:
        _check_unused(have["id"], objects)


def _check_unused(project: int, objects: Objects) -> None:
    if project in [template["project"] for template in objects.all_of("job_templates")]:
        text = "Organization cannot be changed when in use by job templates."
        raise reject("organization", text)


def _scm_url_error(kind: str, url: str) -> str:
    if not url.strip():
        return "SCM URL is required."
    if "://" not in url and kind == "git":
        # A path, or user@host:path.
        return ""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES[kind] or parts.scheme == "git+ssh":
        return f"Unsupported {kind} URL"
    if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        return f'Unsupported host "{parts.netloc}" for file:// URL'
    if parts.scheme != "file" and not parts.netloc:
        return f"Host is required for {parts.scheme} URL"
    return ""


# --- awx/main/utils/common.py: parse_yaml_or_json; awx/main/validators.py: vars_validate_or_raise


def _check_variables(name: str, text: str) -> None:
    kind = ""
    try:
        value = json.loads(text) if text != '""' else {}
        json_error = f"Input type `{type(value).__name__}` is not a dictionary"
        if isinstance(value, dict):
            return
    except ValueError as error:
        json_error = str(error)
    try:
        value = yaml.safe_load(text)
        kind = type({} if value is None else value).__name__
        yaml_error = f"Input type `{kind}` is not a dictionary"
    except yaml.YAMLError as error:
        yaml_error = str(error)
    if kind != "dict":
        raise reject(
            name, f"Cannot parse as JSON (error: {json_error}) or YAML (error: {yaml_error})."
        )


def _check_inventory(one: Fields, _have: Fields | None, _objects: Objects) -> None:
    _check_variables("variables", one["variables"])


# --- awx/api/serializers.py: InventorySourceSerializer.validate


def _check_inventory_source(one: Fields, _have: Fields | None, objects: Objects) -> None:
    _check_variables("source_vars", one["source_vars"])
    if one["source"] == "scm" and one["source_project"] is None:
        raise reject("source_project", "Project required for scm type sources.")
    if one["source"] != "scm":
        names = [name for name in ("source_project", "source_path", "scm_branch") if one[name]]
        if names:
            raise reject("detail", f"Cannot set {' '.join(names)} if not SCM type.")
    project = objects.of("projects", one["source_project"])
    if one["scm_branch"] and not project.get("allow_override"):
        raise reject("scm_branch", "Project does not allow overriding branch.")


# --- awx/api/serializers.py: JobTemplateSerializer.validate, JobOptionsSerializer.validate


def _check_job_template(one: Fields, _have: Fields | None, objects: Objects) -> None:
    _check_variables("extra_vars", one["extra_vars"])
    if one["project"] is None:
        raise reject("project", "Job Templates must have a project assigned.")
    if one["inventory"] is None and not one["ask_inventory_on_launch"]:
        raise reject("inventory", "You must either set a default value or ask to prompt on launch.")
    project = objects.of("projects", one["project"])
    if not one["playbook"]:
        raise reject("playbook", "Must select playbook for project.")
    if project["allow_override"]:
        return
    if one["playbook"] not in project["playbook_files"]:
        raise reject("playbook", "Playbook not found for project.")
    for name in ("scm_branch", "ask_scm_branch_on_launch"):
        if one[name]:
            raise reject(name, "Project does not allow overriding branch.")


# --- awx/api/serializers.py: SchedulePreviewSerializer.validate_rrule, ScheduleSerializer;
# awx/main/models/schedules.py: rrulestr, coerce_naive_until


def _check_schedule(one: Fields, have: Fields | None, objects: Objects) -> None:
    if have is None or one["rrule"] != have["rrule"]:
        _check_rule(one["rrule"])
    template = objects.of("job_templates", one["unified_job_template"])
    # awx/main/models/mixins.py: accept_or_ignore_variables.
    if one["extra_data"] and not template["ask_variables_on_launch"]:
        names = ", ".join(one["extra_data"])
        raise reject(
            "extra_data",
            f"Variables {names} are not allowed on launch. Check the Prompt on Launch setting on"
            " the Job Template to include Extra Variables.",
        )


def _check_rule(rule: str) -> None:
    lower = rule.lower()
    for word in ("exdate", "rdate"):
        if f"{word}:" in lower:
            raise reject("rrule", f"{word.upper()} not allowed in rrule.")
    errors = list(_start_errors(rule))
    if "rrule:" not in lower:
        errors.append("One or more rule required in rrule.")
    for part in re.findall(r"RULE:\S*", rule):
        errors += _part_errors(part)
    try:
        _parsed_rule(rule)
    # AWX takes all errors of dateutil, too.
    except Exception as error:
        errors.append(f"rrule parsing failed validation: {error}")
    if errors:
        raise reject("rrule", *errors)


def _start_errors(rule: str) -> Iterable[str]:
    starts = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rule)
    if not starts:
        yield "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule):
        yield "DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ."
    if len(starts) > 1:
        yield "Multiple DTSTART is not supported."


def _part_errors(part: str) -> Iterable[str]:
    if "interval" not in part.lower():
        yield f"INTERVAL required in rrule: {part}"
    elif "secondly" in part.lower():
        yield f"SECONDLY is not supported: {part}"
    if re.search(r"BYDAY[:=][0-9]+[a-zA-Z]{2}", part):
        yield f"BYDAY with numeric prefix not supported: {part}"
    if "COUNT" in part and "UNTIL" in part:
        yield f"RRULE may not contain both COUNT and UNTIL: {part}"
    count = re.search(r"COUNT=([0-9]+)", part)
    if count and int(count[1]) > 999:
        yield f"COUNT > 999 is unsupported: {part}"


def _parsed_rule(rule: str) -> Any:
    """Return the rule as dateutil reads it. Unlike AWX, nothing counts its occurrences."""
    zones = {name: dateutil.tz.tzutc() for name in dateutil.parser.parserinfo().UTCZONE}
    parsed = dateutil.rrule.rrulestr(stored_rule(rule), tzinfos=zones, forceset=True)
    if any(part._dtstart.tzinfo is None for part in parsed._rrule):
        raise ValueError("A valid TZID must be provided (e.g., America/New_York)")
    return parsed


def stored_rule(rule: str) -> str:
    """Return a rule as AWX stores it: single blanks, and UNTIL in UTC."""
    start = re.search(r"DTSTART(?:;TZID=([^:]+))?:\S+", rule)
    zone = dateutil.tz.gettz(start[1]) if start and start[1] else UTC

    def in_utc(match: re.Match[str]) -> str:
        end = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=zone)
        return f"UNTIL={end.astimezone(UTC).strftime('%Y%m%dT%H%M%S')}Z"

    return re.sub(r"UNTIL=([0-9]+T[0-9]+)(?![0-9Z])", in_utc, " ".join(re.split(r"\s+", rule)))


# --- awx/api/serializers.py: NotificationTemplateSerializer.validate; awx/main/notifications


_NOTIFICATION_FIELDS: dict[str, dict[str, tuple[str, Any]]] = {
    "webhook": {
        "url": ("string", None),
        "http_method": ("string", "POST"),
        "disable_ssl_verification": ("bool", False),
        "username": ("string", ""),
        "password": ("password", ""),
        "headers": ("object", None),
    },
    "slack": {"token": ("password", None), "channels": ("list", None)},
    "email": {
        "host": ("string", None),
        "port": ("int", None),
        "username": ("string", None),
        "password": ("password", None),
        "use_tls": ("bool", None),
        "use_ssl": ("bool", None),
        "sender": ("string", None),
        "recipients": ("list", None),
        "timeout": ("int", 30),
    },
}
_TYPES = {"string": str, "password": str, "int": int, "bool": bool, "list": list, "object": dict}


def notification_secrets(kind: str) -> set[str]:
    """Return the fields of a type of notifications that AWX hides."""
    fields = _NOTIFICATION_FIELDS.get(kind, {})
    return {name for name, (field_type, _default) in fields.items() if field_type == "password"}


def _check_notification_template(one: Fields, _have: Fields | None, _objects: Objects) -> None:
    # Only the types that the tests use.
    fields = _NOTIFICATION_FIELDS.get(one["notification_type"], {})
    values = one["notification_configuration"]
    errors: list[str] = []
    for name, (kind, default) in fields.items():
        # Like AWX, which adds its defaults to what is sent.
        if default is not None:
            values.setdefault(name, default)
        errors += _configuration_errors(name, kind, values)
    missing = [name for name in fields if name not in values]
    if missing:
        errors.append(f"Missing required fields for Notification Configuration: {missing}.")
    for name, (kind, _default) in fields.items():
        errors += _type_errors(name, kind, values)
    if errors:
        raise reject("__all__", *errors)


def _configuration_errors(name: str, kind: str, values: Fields) -> Iterable[str]:
    value = values.get(name)
    if kind == "list" and value == []:
        yield f"No values specified for field '{name}'"
    is_method = name == "http_method" and isinstance(value, str)
    if is_method and str(value).lower() not in ("put", "post"):
        yield "HTTP method must be either 'POST' or 'PUT'."


def _type_errors(name: str, kind: str, values: Fields) -> Iterable[str]:
    # AWX compares the types themselves: a bool is no int, although Python's is one.
    if name in values and values[name].__class__ is not _TYPES[kind]:
        yield f"Configuration field '{name}' incorrect type, expected {kind}."


_CHECKS: dict[str, Callable[[Fields, Fields | None, Objects], None]] = {
    "credential_types": _check_credential_type,
    "credentials": _check_credential,
    "execution_environments": _check_execution_environment,
    "projects": _check_project,
    "inventories": _check_inventory,
    "inventory_sources": _check_inventory_source,
    "job_templates": _check_job_template,
    "schedules": _check_schedule,
    "notification_templates": _check_notification_template,
}
