"""The manifests of serving/deploy as data: compose.yaml with its variables filled in, and every Kubernetes resource."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent / "serving" / "deploy"
COMPOSE = FOLDER / "compose.yaml"
KUBERNETES = tuple(sorted((FOLDER / "kubernetes").glob("*.yaml")))
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<word>[^}]*))?\}")
ENVIRONMENT = {"EBB_DB_PASSWORD": "secret", "EBB_FACTS": "/facts"}


def compose(environment: Mapping[str, str] = ENVIRONMENT) -> dict[str, Any]:
    """compose.yaml as Compose sees it; KeyError for a variable that must be set and is not."""

    def filled(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if found["kind"] == "-":
            return environment.get(found["name"], found["word"])
        return environment[found["name"]]

    read: dict[str, Any] = yaml.safe_load(VARIABLE.sub(filled, COMPOSE.read_text(encoding="utf-8")))
    return read


def resources() -> Iterator[dict[str, Any]]:
    """Every resource of the Kubernetes manifests."""
    for path in KUBERNETES:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The kind and name of everything that makes pods, and their specification."""
    for resource in resources():
        spec = resource.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield f"{resource['kind']} {resource['metadata']['name']}", spec["template"]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Where a container of the image `ebb` is started, and with which words; a script stands as one word."""
    for name, service in compose()["services"].items():
        if service["image"].split(":")[0] == "ebb":
            yield f"compose {name}", [*service.get("entrypoint", ["ebb"]), *service.get("command", [])]
    for name, template in pods():
        for container in template["spec"]["containers"]:
            if container["image"].split(":")[0] == "ebb":
                yield name, [*container.get("command", ["ebb"]), *container.get("args", [])]


def environments() -> Iterator[tuple[str, Mapping[str, object]]]:
    """Where a container of the image `ebb` is started, and the variables it gets."""
    for name, service in compose()["services"].items():
        if service["image"].split(":")[0] == "ebb":
            yield f"compose {name}", service.get("environment", {})
    for name, template in pods():
        for container in template["spec"]["containers"]:
            if container["image"].split(":")[0] == "ebb":
                yield name, {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}
