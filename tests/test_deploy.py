"""The manifests of serving/deploy: linted by others' tools, safe, and true to what the command and settings are."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer.main
import yaml
from compose_spec import PyCompose
from yamllint import linter
from yamllint.config import YamlLintConfig

from serving.bento import CONTAINERFILE, ROOT
from serving.cli import NO_REPORTS, app
from serving.config import STORE_URL
from serving.config_file import load
from tests import manifests

KUBERNETES_VERSION = "1.37"
YAML_RULES = """
extends: default
rules:
  line-length: {max: 120}
  document-start: disable
  braces: {max-spaces-inside: 0}
"""
VARIABLES = frozenset({"EBB_CONFIG", "EBB_HOME", "EBB_DATA", STORE_URL, "PGPASSWORD", *NO_REPORTS})
"""What the command reads, and libpq's own."""


@pytest.mark.parametrize("path", [manifests.COMPOSE, *manifests.KUBERNETES], ids=lambda path: path.name)
def test_yaml_is_clean(path: Path) -> None:
    """Clean by yamllint: no key twice, no odd indentation, no long line."""
    found = linter.run(path.read_text(encoding="utf-8"), YamlLintConfig(YAML_RULES))
    assert [str(problem) for problem in found] == []


def test_containerfile_is_clean() -> None:
    """Hadolint finds nothing, shell commands included; the base image is named by its tag alone."""
    program = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([program, "--no-color", ROOT / CONTAINERFILE], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")
    images = re.findall(r"^FROM (\S+)", (ROOT / CONTAINERFILE).read_text(), re.MULTILINE)
    assert all(re.fullmatch(r"[a-z]+:[\w.${}-]+", image) for image in images), images


def test_containerfile_takes_what_the_bento_has() -> None:
    """What is copied stands in a Bento, nothing runs as root, and no library reports home."""
    text = (ROOT / CONTAINERFILE).read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)
    assert copied == ["env/python/requirements.txt", "src"]
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert all(f"{name}=true" in text for name in NO_REPORTS)
    assert "--require-hashes" in text


def test_compose_follows_the_specification() -> None:
    """A parser of the Compose specification takes the file, and refuses it with a word that is none."""
    read = manifests.compose()
    assert set(PyCompose.from_yaml(yaml.safe_dump(read)).service_names()) == {"ebb", "nightly", "mlflow", "postgres"}
    read["services"]["ebb"]["comand"] = ["serve"]
    with pytest.raises(ValueError, match="comand"):
        PyCompose.from_yaml(yaml.safe_dump(read))


def test_compose_asks_for_its_secrets() -> None:
    """Without a password or a folder of facts nothing starts; neither stands in the file."""
    for missing in manifests.ENVIRONMENT:
        with pytest.raises(KeyError, match=missing):
            manifests.compose({name: "x" for name in manifests.ENVIRONMENT if name != missing})


RESOURCES = list(manifests.resources())


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_knows_every_field(resource: dict[str, Any]) -> None:
    """Each resource fits the strict schema of the newest Kubernetes at hand."""
    kubernetes_validate.validate(resource, KUBERNETES_VERSION, strict=True)


def test_there_is_what_a_team_needs() -> None:
    """Service, nightly refresh, PostgreSQL and MLflow are there, and a wrong field would be named."""
    there = {(one["kind"], one["metadata"]["name"]) for one in RESOURCES}
    assert there >= {
        ("Deployment", "ebb"),
        ("Service", "ebb"),
        ("CronJob", "ebb-nightly"),
        ("StatefulSet", "postgres"),
        ("Deployment", "mlflow"),
        ("NetworkPolicy", "ebb-deny"),
    }
    nightly = next(one for one in RESOURCES if one["kind"] == "CronJob")
    assert nightly["spec"]["concurrencyPolicy"] == "Forbid"
    wrong = {**nightly, "spec": {**nightly["spec"], "scheduel": "0 2 * * *"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="scheduel"):
        kubernetes_validate.validate(wrong, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize(("name", "template"), list(manifests.pods()), ids=lambda value: str(value)[:30])
def test_pods_are_held_tight(name: str, template: dict[str, Any]) -> None:
    """No root, no writable root file system, no privilege, no token; memory is bounded and asked for."""
    spec = template["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert (context["readOnlyRootFilesystem"], context["allowPrivilegeEscalation"]) == (True, False)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])


def test_service_is_probed() -> None:
    """Alive is asked at /healthz, able to score at /readyz."""
    deployment = next(one for one in RESOURCES if (one["kind"], one["metadata"]["name"]) == ("Deployment", "ebb"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probes = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_secrets_are_referred_to_only() -> None:
    """No Secret stands in the manifests; passwords come by reference, addresses hold none."""
    assert not [one for one in RESOURCES if one["kind"] == "Secret"]
    for path in (manifests.COMPOSE, *manifests.KUBERNETES):
        assert not re.search(r"://[^/@\s:]+:[^/@\s]+@", path.read_text(encoding="utf-8"))
    for name, template in manifests.pods():
        for container in template["spec"]["containers"]:
            secret = [one for one in container["env"] if "PASSWORD" in one["name"]]
            assert secret, name
            assert all("secretKeyRef" in one["valueFrom"] for one in secret)


def test_references_meet() -> None:
    """Every volume, configuration, claim and service that a manifest names is one that there is."""
    named = {(one["kind"], one["metadata"]["name"]) for one in RESOURCES}
    for name, template in manifests.pods():
        volumes = {one["name"]: one for one in template["spec"].get("volumes", [])}
        for container in template["spec"]["containers"]:
            for mount in container["volumeMounts"]:
                assert mount["name"] in volumes or name.startswith("StatefulSet"), mount
        for volume in volumes.values():
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in named
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in named
    read = manifests.compose()
    assert (manifests.FOLDER / read["configs"]["settings"]["file"]).is_file()


COMMANDS = list(manifests.commands())


def words(command: list[str]) -> Iterator[list[str]]:
    """The calls of `ebb` and `mlflow` in a container's command, those within a script included."""
    if command[0] == "sh":
        yield from (found.split() for found in re.findall(r"^\s*(ebb [\w -]+?)(?: \|\||$)", command[-1], re.MULTILINE))
    else:
        yield command


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_commands_are_known(name: str, command: list[str]) -> None:
    """Every command line is one that `ebb` (or MLflow, in the same image) knows, with options it takes."""
    called = list(words(command))
    assert called
    for program, *arguments in called:
        if program == "ebb":
            group: Any = typer.main.get_command(app)
            known = group.get_command(None, arguments[0])
            assert known is not None, arguments
            known.make_parser(typer.Context(known)).parse_args(list(arguments[1:]))
        else:
            assert program == "mlflow"
            options = subprocess.run(
                [Path(sys.executable).with_name("mlflow"), arguments[0], "--help"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            assert all(word.partition("=")[0] in options for word in arguments[1:])


def test_variables_are_read() -> None:
    """Every environment variable that a container gets is one that Ebb or its libraries read."""
    found = {name for _, environment in manifests.environments() for name in environment}
    assert found <= VARIABLES
    assert {"EBB_CONFIG", STORE_URL} <= found


def test_settings_are_known(tmp_path: Path) -> None:
    """The settings that are mounted load, and say the same in Compose and Kubernetes."""
    config = next(one for one in RESOURCES if (one["kind"], one["metadata"]["name"]) == ("ConfigMap", "ebb"))
    text = (manifests.FOLDER / "ebb.toml").read_text(encoding="utf-8")
    assert tomllib.loads(config["data"]["ebb.toml"]) == tomllib.loads(text)
    settings = load(manifests.FOLDER / "ebb.toml")
    assert settings.mlflow.tracking_uri == "http://mlflow:5000"
    assert settings.serve.host == "0.0.0.0"
