# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a chart is rendered with, and which of its fields differ each time."""

from __future__ import annotations

import io
import tarfile
from types import SimpleNamespace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources import (
    chart_functions,
    external_tools,
    helm_charts,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.helm_charts import (
    Capabilities,
    Chart,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.manifest_files import (
    documents,
)

# Stands for helm: it keeps its arguments, and prints another line of `texts` each time.
HELM = """#!/bin/sh
cd {folder}
if [ "$1" = version ]; then echo {version}; exit; fi
echo "$@" >>arguments
cat >values
count=$(wc -l <arguments)
sed -n "${{count}}p" texts
"""
CONFIG = (
    '{{"apiVersion": "v1", "kind": "{kind}", "metadata": {{"name": "web"{more}}}, "data": {data}}}'
)


def body(data, kind="Secret", more=""):
    return CONFIG.format(kind=kind, data=data, more=more)


@pytest.fixture
def helm(tmp_path, monkeypatch):
    """Return a function that puts a helm on the PATH which prints these texts one after another."""

    def install(*texts, version="v3.20.0"):
        (tmp_path / "texts").write_text("\n".join(texts) + "\n")
        program = tmp_path / "helm"
        program.write_text(HELM.format(folder=tmp_path, version=version))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return tmp_path

    return install


def chart(folder, template):
    """Write a chart with one template."""
    path = folder / "chart"
    (path / "templates").mkdir(parents=True)
    (path / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (path / "templates" / "web.yaml").write_text(template)
    return str(path)


def rendered(path, **options):
    (file,) = documents([path], lambda _path: b"", Chart("shop", "shops", **options))
    return file


def test_it_is_rendered_for_the_cluster(helm):
    folder = helm(body("{}"))
    path = chart(folder, "{{ .Values.now }}{{/* lookup */}}")
    cluster = Capabilities("v1.36.3", ("v1", "example.com/v1/Widget"))
    rendered(path, capabilities=lambda: cluster, values={"a": 1})
    assert (folder / "arguments").read_text().strip() == (
        f"template shop {path} --namespace shops --include-crds --kube-version v1.36.3"
        " --api-versions=v1 --api-versions=example.com/v1/Widget --values -"
    )
    assert (folder / "values").read_text() == '{"a": 1}'


def test_a_cluster_is_read_only_for_a_chart(tmp_path):
    (tmp_path / "a.yml").write_text("")
    made = Chart("shop", "shop", capabilities=lambda: pytest.fail("the cluster was read"))
    documents([str(tmp_path)], lambda _path: b"", made)


DIFFERENT = [
    (body('{"password": "MQ=="}'), body('{"password": "Mg=="}'), ["Secret/web.data.password"]),
    (
        body('{"a": [1, {"b": 2}], "c": 1}'),
        body('{"a": [1, {"b": 3}]}'),
        ["Secret/web.data.a.1.b", "Secret/web.data.c"],
    ),
    (
        body("1", more=', "annotations": {"helm.sh/hook": "test"}'),
        body("2", more=', "annotations": {"helm.sh/hook": "test"}'),
        [],
    ),
    (
        body("1", more=', "annotations": 5'),
        body("2", more=', "annotations": 5'),
        ["Secret/web.data"],
    ),
]


@pytest.mark.parametrize(("first", "second", "places"), DIFFERENT)
def test_a_field_that_differs_each_time_is_named(helm, first, second, places):
    path = chart(helm(first, second), "{{ randAlphaNum 8 }}")
    if not places:
        rendered(path)
        return
    with pytest.raises(SpecError) as caught:
        rendered(path)
    assert [problem.path for problem in caught.value.problems] == [
        f"{path}, {place}" for place in places
    ]
    text = str(caught.value)
    assert "which calls randAlphaNum; set it in helm_values" in text
    assert "MQ==" not in text and "Mg==" not in text


def test_a_chart_without_such_functions_is_rendered_once(helm):
    folder = helm(body("{}"))
    rendered(chart(folder, "{{ .Values.randAlphaNum }}"))
    assert len((folder / "arguments").read_text().splitlines()) == 1


def test_lookup_is_a_note_and_a_newer_helm_a_warning(helm):
    folder = helm(body("{}"), version="v99.0.1")
    file = rendered(chart(folder, '{{ (lookup "v1" "Secret" "a" "b").data }}'))
    assert "chart calls lookup, which finds nothing" in file.notes[0]
    assert "Helm 99.0.1 is newer than" in file.warnings[0]


def test_the_version_of_helm_is_read_once_for_all_charts(helm, monkeypatch):
    folder, runs = helm(body("{}"), body("{}")), []
    run = external_tools.run
    monkeypatch.setattr(
        external_tools, "run", lambda words, *more: runs.append(words[1]) or run(words, *more)
    )
    path = chart(folder, "")
    documents([path, path], lambda _path: b"", Chart("shop", "shops"))
    assert sorted(runs) == ["template", "template", "version"]


def archive(**files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(f"chart/{name}")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return stream.getvalue()


CALLED = [
    ({"a": b"{{ randAlphaNum 8 | quote }} {{- now }}"}, {"randAlphaNum", "now"}),
    ({"a": b'{{ "lookup" }} {{ .now }} {{ $uuidv4 }} {{/* genCA */}} now'}, set()),
    ({"README.md": b"{{ now }}"}, set()),
    ({"charts/b.tgz": archive(a=b"{{ if\nlookup }}")}, {"lookup"}),
    ({"charts/b.tgz": b"no archive"}, set()),
]


@pytest.mark.parametrize(("files", "called"), CALLED)
@pytest.mark.parametrize("is_packed", [False, True])
def test_the_functions_that_a_chart_calls(tmp_path, files, called, is_packed):
    path = tmp_path / "chart"
    if is_packed:
        path.write_bytes(archive(**files))
    for name, content in () if is_packed else files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    assert chart_functions.called(str(path)) == called


def test_a_linked_folder_is_part_of_a_chart(tmp_path):
    """As helm reads it: charts of one repository often link to a chart that they share."""
    path, shared = tmp_path / "chart", tmp_path / "common" / "templates"
    (path / "charts").mkdir(parents=True)
    shared.mkdir(parents=True)
    (shared / "a.yaml").write_text("{{ randAlphaNum 8 }}")
    (path / "charts" / "common").symlink_to("../../common")
    assert chart_functions.called(str(path)) == {"randAlphaNum"}


def test_values_may_have_templates_too(tmp_path):
    assert chart_functions.called(str(tmp_path), ["a: '{{ uuidv4 }}'"]) == {"uuidv4"}


def test_a_time_is_rendered_in_another_second(helm, monkeypatch):
    slept = []
    clock = SimpleNamespace(sleep=slept.append, time=lambda: 7.25)
    monkeypatch.setattr(helm_charts, "time", clock)
    rendered(chart(helm(body("{}"), body("{}")), "{{ now }}"))
    assert slept == [0.75]
