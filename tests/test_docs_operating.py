"""What operators copy from the guide fits the service: the unit, the manifests, the limits of the proxy."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import parser
from app.clock import system_clock
from app.ingress import calculator, gitlab
from app.ingress.health import health_routes
from app.metrics import Metrics
from app.settings import DatabaseSettings
from tests.test_docs import DOCS, ROOT, text_of

GUIDE = text_of(DOCS / "operating.md")
UNIT = DOCS / "operating" / "psplan.service"
MANIFESTS = {path.stem: path for path in sorted((DOCS / "operating").glob("kubernetes*.yaml"))}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
Tree = dict[str, Any]


def of_unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text_of(UNIT), re.MULTILINE)


def of_image(word: str) -> str:
    """The last instruction of this name."""
    return str(re.findall(rf"^{word} (.+)$", DOCKERFILE, re.MULTILINE)[-1])


def not_called() -> Any:
    raise AssertionError("only its routes are asked for")


def doors() -> set[str]:
    router = health_routes(
        readiness=not_called, store=not_called, clock=system_clock, metrics=Metrics(), metrics_token=lambda: None
    )
    return {str(getattr(route, "path", "")) for route in router.routes}


def parts(manifest: str) -> dict[str, Tree]:
    """Kind → document."""
    return {each["kind"]: each for each in yaml.safe_load_all(text_of(MANIFESTS[manifest]))}


def workload(manifest: str) -> Tree:
    found = parts(manifest)
    return found.get("Deployment") or found["StatefulSet"]


def pod(manifest: str) -> Tree:
    spec: Tree = workload(manifest)["spec"]["template"]["spec"]
    return spec


def container(manifest: str) -> Tree:
    (found,) = pod(manifest)["containers"]
    return dict(found)


# -- the unit


def test_the_unit_starts_a_command_that_there_is_where_the_guide_installs_it() -> None:
    (start,) = of_unit("ExecStart")
    program, *words = start.split()
    assert parser().parse_args(words).port == 8080
    assert f"{program} --version" in GUIDE
    (file,) = of_unit("EnvironmentFile")
    assert f" {file}\n" in GUIDE


def test_the_unit_writes_where_it_may() -> None:
    given = dict(each.partition("=")[::2] for each in of_unit("Environment"))
    path = DatabaseSettings(_env_file=None, database_url=given["PSPLAN_DATABASE_URL"]).database_path
    assert path.parent == Path("/var/lib") / of_unit("StateDirectory")[0]
    assert f"PSPLAN_DATABASE_URL={given['PSPLAN_DATABASE_URL']}\n" in GUIDE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = text_of(UNIT).replace("/opt/psplan/bin/psplan", sys.executable)
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    words = ["systemd-analyze", "verify", "--man=no", str(copy)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    about_it = [line for line in ended.stderr.splitlines() if UNIT.name in line]
    assert about_it == []


def test_commands_get_the_settings_to_the_letter(tmp_path: Path) -> None:
    """As systemd reads the file, and not as a shell would."""
    settings = {
        "PSPLAN_DATABASE_URL": "postgresql://psplan:a$b@db/psplan?sslmode=require&connect_timeout=5",
        "PSPLAN_WEBHOOK_TOKENS": "it's;`id`#1,$(id)*",
        "PSPLAN_PROJECT": "ps/ps-plan",
    }
    file = tmp_path / "psplan.env"
    file.write_text("# no comment is a setting\n" + "\n".join("=".join(pair) for pair in settings.items()))
    (function,) = re.findall(r"^as_psplan\(\) \{$.*?^\}$", GUIDE, re.MULTILINE | re.DOTALL)
    here = function.replace("/etc/psplan/psplan.env", str(file)).replace("/var/lib/psplan", str(tmp_path))
    here = here.replace("setpriv --reuid psplan --regid psplan --clear-groups", "env")
    script = f'{here}\nas_psplan "$0" -c "import os, json; print(os.getcwd()); print(json.dumps(dict(os.environ)))"'
    ended = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, text=True, timeout=60, check=True)
    where, environment = ended.stdout.splitlines()
    assert where == str(tmp_path)
    assert {name: value for name, value in json.loads(environment).items() if name in settings} == settings


def test_the_proxy_lets_through_what_the_doors_take() -> None:
    limits = {int(each) << 20 for each in re.findall(r"client_max_body_size +(\d+)m;", GUIDE)}
    assert limits == {calculator.LIMIT_BYTES, gitlab.LIMIT_BYTES}
    assert f"location = {gitlab.PATH} {{" in GUIDE


# -- the manifests


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_the_container_is_started_as_the_image_is(manifest: str) -> None:
    words = container(manifest)["args"]
    (port,) = container(manifest)["ports"]
    assert parser().parse_args(words).port == port["containerPort"] == int(of_image("EXPOSE"))
    user, _, group = of_image("USER").partition(":")
    held = pod(manifest)["securityContext"]
    assert (held["runAsUser"], held["runAsGroup"], held["fsGroup"]) == (int(user), int(group), int(group))
    assert held["runAsNonRoot"]
    own = container(manifest)["securityContext"]
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_probes_ask_at_doors_that_there_are(manifest: str) -> None:
    (port,) = container(manifest)["ports"]
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        asked = container(manifest)[probe]["httpGet"]
        assert asked["path"] == path
        assert asked["path"] in doors()
        assert asked["port"] == port["name"]
    assert re.search(r"127\.0\.0\.1:(\d+)(/\w+)", DOCKERFILE).groups() == (of_image("EXPOSE"), "/readyz")  # type: ignore[union-attr]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_what_is_mounted_is_made_by_the_guide(manifest: str) -> None:
    mounts = {each["mountPath"]: each["name"] for each in container(manifest)["volumeMounts"]}
    for entry in container(manifest)["env"]:
        if entry["name"].endswith("_FILE"):
            folder, _, file = entry["value"].rpartition("/")
            assert mounts[folder] == "secrets"
            assert f"--from-file={file}" in GUIDE
    volumes = {each["name"]: each for each in pod(manifest)["volumes"]}
    assert f"create secret generic {volumes['secrets']['secret']['secretName']} " in GUIDE
    assert f"create configmap {volumes['methodology']['configMap']['name']} --from-file=methodology.yaml" in GUIDE
    assert f"`operating/{MANIFESTS[manifest].name}`" in GUIDE


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_the_parts_find_each_other(manifest: str) -> None:
    labels = workload(manifest)["spec"]["template"]["metadata"]["labels"]
    (port,) = container(manifest)["ports"]
    found = parts(manifest)
    assert workload(manifest)["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    policy = found["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["ingress"][0]["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]
    if "PodDisruptionBudget" in found:
        assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_only_what_shares_a_database_has_replicas() -> None:
    shared, alone = workload("kubernetes"), workload("kubernetes-sqlite")
    assert (shared["kind"], shared["spec"]["replicas"]) == ("Deployment", 2)
    assert shared["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert (alone["kind"], alone["spec"]["replicas"]) == ("StatefulSet", 1)
    env = {each["name"]: each for each in container("kubernetes-sqlite")["env"]}
    path = DatabaseSettings(_env_file=None, database_url=env["PSPLAN_DATABASE_URL"]["value"]).database_path
    mounts = {each["name"]: each["mountPath"] for each in container("kubernetes-sqlite")["volumeMounts"]}
    assert str(path.parent) == mounts["data"] == of_image("VOLUME")
    refers = {each["name"]: each for each in container("kubernetes")["env"]}["PSPLAN_DATABASE_URL"]["valueFrom"]
    held = refers["secretKeyRef"]
    assert f"create secret generic {held['name']} --from-file={held['key']} " in GUIDE
