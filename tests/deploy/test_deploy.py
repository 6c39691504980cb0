"""What can be known about deploy/ without an engine: schemas, names of settings, commands and metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import typer.main
import yaml

from api.cli import cli
from api.rest.metrics import METRICS
from api.settings import Settings
from tests.end_to_end.server import ROOT

DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).parent / "schema"
ROLES = {"gateway", "projector", "relay", "api"}
KNOWN = {f"BORNIER_{field.name.upper()}" for field in fields(Settings)}
OTHERS = re.compile(r"(process|python_gc|up$)")


def texts() -> list[Path]:
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.name != "requirements.lock")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def manifests() -> list[dict[str, Any]]:
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def unit() -> dict[str, list[str]]:
    """The lines of the systemd unit, by their key."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / "bornier@.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("file", texts(), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = set(re.findall(r"BORNIER_[A-Z][A-Z_]*[A-Z]", file.read_text()))
    assert named <= KNOWN


def commands() -> Iterator[list[str]]:
    """Every call of bornier, as its arguments."""
    yield ["run"]  # CMD of the image
    for service in compose()["services"].values():
        if service.get("image") == "bornier":
            yield service["command"]
    for kind in ("Deployment", "Job"):
        for document in manifests():
            if document["kind"] == kind:
                yield from (container["args"] for container in document["spec"]["template"]["spec"]["containers"])
    for line in unit()["ExecStart"]:
        for role in ROLES:
            yield line.replace("%i", role).split()[1:]


def test_every_command_exists_and_takes_these_arguments() -> None:
    group: Any = typer.main.get_command(cli)
    roles = set()
    for arguments in commands():
        command = group.commands[arguments[0]]
        context = command.make_context(arguments[0], list(arguments[1:]), resilient_parsing=False)
        roles |= set(context.params.get("role") or ())
    assert roles == ROLES


def test_compose_is_what_the_specification_allows() -> None:
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({"services": {"api": {"prots": ["8000:8000"]}}})


def test_compose_runs_every_role_after_the_migration_and_the_gateway_twice() -> None:
    services = compose()["services"]
    run = [service for service in services.values() if service.get("command", [""])[0] == "run"]
    assert sorted(service["command"][-1] for service in run) == sorted([*ROLES, "gateway"])
    for service in run:
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service["read_only"] is True
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    for service in services.values():
        mounted = {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert mounted <= set(compose()["volumes"])
        assert set(service.get("secrets", ())) <= set(compose()["secrets"])


def test_kubernetes_manifests_are_what_the_api_accepts() -> None:
    schema = json.loads((SCHEMAS / "kubernetes.json").read_text())
    for document in manifests():
        one = {"$schema": schema["$schema"], "$defs": schema["$defs"]} | schema["kinds"][document["kind"]]
        jsonschema.Draft202012Validator({k: v for k, v in one.items() if k != "$schema"}).validate(document)


def test_a_wrong_manifest_would_be_noticed() -> None:
    schema = json.loads((SCHEMAS / "kubernetes.json").read_text())
    one = {"$defs": schema["$defs"]} | schema["kinds"]["Deployment"]
    (gateway,) = (d for d in manifests() if d["metadata"]["name"] == "bornier-gateway" and d["kind"] == "Deployment")
    gateway["spec"]["replica"] = 2
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        jsonschema.Draft202012Validator(one).validate(gateway)


def test_kubernetes_objects_fit_together() -> None:
    names = {(document["kind"], document["metadata"]["name"]) for document in manifests()}
    deployments = [document for document in manifests() if document["kind"] == "Deployment"]
    assert {document["spec"]["template"]["spec"]["containers"][0]["args"][-1] for document in deployments} == ROLES
    for document in deployments:
        labels = document["spec"]["template"]["metadata"]["labels"]
        assert document["spec"]["selector"]["matchLabels"].items() <= labels.items()
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        for source in container["envFrom"]:
            assert ("ConfigMap", source.get("configMapRef", {}).get("name")) in names or (
                "Secret", source.get("secretRef", {}).get("name")
            ) in names  # fmt: skip
        for volume in pod["volumes"]:
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            assert claim is None or ("PersistentVolumeClaim", claim) in names
        ports = {port["name"] for port in container["ports"]}
        probes = [container[f"{probe}Probe"] for probe in ("startup", "liveness", "readiness")]
        assert {probe["httpGet"]["port"] for probe in probes} <= ports
        assert ("PodDisruptionBudget", document["metadata"]["name"]) in names
    for document in manifests():
        if document["kind"] == "Service":
            (target,) = (d for d in deployments if d["metadata"]["name"] == document["metadata"]["name"])
            ports = {p["name"] for p in target["spec"]["template"]["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in document["spec"]["ports"]} <= ports


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """With a program that is here instead of ours."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze: apt install systemd")
    for name in ("bornier@.service", "bornier.target"):
        text = (DEPLOY / "systemd" / name).read_text()
        program = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        (tmp_path / name.replace("@", "@gateway")).write_text(program)
    command = ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_shut_in_and_every_role_has_a_port_of_its_own() -> None:
    for key, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"), ("PrivateTmp", "yes")):
        assert unit()[key] == [value]
    assert int(unit()["LimitNOFILE"][0]) >= 100_000
    ports = [(DEPLOY / "systemd" / f"{role}.env").read_text().partition("BORNIER_HTTP_PORT=")[2] for role in ROLES]
    assert len(set(ports)) == len(ROLES)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, instruction by instruction."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_image_is_built_in_stages_runs_as_nobody_and_copies_what_is_there() -> None:
    found = instructions()
    allowed = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "LABEL", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL",
               "HEALTHCHECK", "ENTRYPOINT", "CMD"}  # fmt: skip
    assert {word for word, _ in found} <= allowed
    assert [rest.split()[0] for word, rest in found if word == "FROM"] == ["python:3.12-slim"] * 2
    assert [rest for word, rest in found if word == "USER"] == ["bornier"]
    installs = [rest for word, rest in found if word == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps" in rest for rest in installs)
    copied = [rest.split() for word, rest in found if word == "COPY" and not rest.startswith("--from")]
    sources = [source for words in copied for source in words[:-1]]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(packages["packages"]) <= set(sources)
    for word, rest in found:
        if word in ("ENTRYPOINT", "CMD", "VOLUME"):
            json.loads(rest)
        if word == "HEALTHCHECK":
            json.loads(rest.partition("CMD ")[2])


def locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==(\S+)", path.read_text(), re.MULTILINE))


def test_the_image_has_the_versions_that_the_tests_run_with_and_no_more() -> None:
    mine, all_of_them = locked(DEPLOY / "requirements.lock"), locked(ROOT / "requirements.lock")
    assert mine.items() <= all_of_them.items()
    assert "pytest" not in mine
    text = (DEPLOY / "requirements.lock").read_text()
    assert len(mine) == len(re.findall(r"^\S.*\\\n    --hash=sha256:", text, re.MULTILINE))
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [*wanted["dependencies"], *wanted["optional-dependencies"]["otel"]]
    assert {re.split(r"[\[<>=;]", name)[0] for name in names} <= mine.keys()


def queries() -> Iterator[str]:
    for panel in json.loads((DEPLOY / "grafana" / "bornier.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def exposed() -> dict[str, tuple[str, ...]]:
    """Every name that a query may use, with its labels."""
    found: dict[str, tuple[str, ...]] = {}
    for name, (kind, labels, _) in METRICS.items():
        endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}[kind]
        found |= {f"{name}{ending}": (*labels, *(["le"] if ending == "_bucket" else [])) for ending in endings}
    return found


@pytest.mark.parametrize("query", list(queries()))
def test_dashboard_and_alerts_ask_for_metrics_and_labels_that_exist(query: str) -> None:
    known = exposed()
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", query)
    names = re.findall(r"\b(bornier_\w+|process_\w+|up)\b", bare)
    assert names
    assert [name for name in names if name not in known and not OTHERS.match(name)] == []
    labels = {label for name in names for label in known.get(name, ())} | {"job", "instance"}
    used = re.findall(r"(\w+)\s*[=!]~?\s*(?=[,}]|$)", " ".join(re.findall(r"\{([^}]*)\}", bare)))
    used += [label.strip() for group in re.findall(r"(?:by|on) \(([^)]*)\)", bare) for label in group.split(",")]
    assert set(used) <= labels
    assert bare.count("(") == bare.count(")")


def test_the_dashboard_can_be_imported() -> None:
    board = json.loads((DEPLOY / "grafana" / "bornier.json").read_text())
    assert board["schemaVersion"] >= 36
    assert "datasource" in [variable["name"] for variable in board["templating"]["list"]]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie on each other"


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names))
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}
