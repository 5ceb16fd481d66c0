"""The containers' files: linted, complete, and in step with what the services read."""

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc import jws

from deploy.docker import make_secrets
from libs.chassis.settings import CommonSettings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
SERVICES = ("registration", "provider_directory", "referral", "notifications")
JOBS = (
    "topics",
    "kafka-access",
    "databases",
    "load-pack",
    *(f"migrate-{service.replace('_', '-')}" for service in SERVICES),
)
SERVICE_PROGRAMS = ("ready", "topics", "kafka_access", "databases", "gateway")
SWITCHES = {"ENLACE_VAULT_KEY_FROM_ENVIRONMENT", "ENLACE_SECRETS_FROM_ENVIRONMENT"}
TOOLS = Path(sys.executable).parent


def filled(value: Any) -> Any:
    """Every `${NAME:-default}` replaced by its default."""
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The compose file as it is written, anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document["services"]


@pytest.fixture(scope="module")
def compose(written: dict[str, Any]) -> dict[str, Any]:
    """The same with every variable's default."""
    services: dict[str, Any] = filled(written)
    return services


def test_the_dockerfile_is_linted():
    found = subprocess.run([TOOLS / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_the_yaml_files_are_linted():
    files = [ROOT / "docker-compose.yml", ROOT / ".yamllint.yaml", ROOT / "deploy"]
    found = subprocess.run(
        [TOOLS / "yamllint", "--strict", "-c", ROOT / ".yamllint.yaml", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


def test_the_linters_do_find_faults(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /x && apt-get install curl\n")
    (tmp_path / "a.yml").write_text("a:   yes\n")
    for command in (["hadolint", "Dockerfile"], ["yamllint", "--strict", "-c", ROOT / ".yamllint.yaml", "a.yml"]):
        assert subprocess.run([TOOLS / command[0], *command[1:]], cwd=tmp_path, capture_output=True).returncode == 1


def test_every_part_of_the_system_is_there(compose):
    others = {"postgres", "kafka", "issuer", "console", "gateway", "rehearsal", "jaeger"}
    assert compose.keys() == {*others, *JOBS, *SERVICES}


def test_each_image_is_built_by_one_service(compose):
    built = [part["image"] for part in compose.values() if "build" in part]
    assert sorted(built) == ["enlace-issuer:local", "enlace:local"]
    others = ("postgres", "kafka", "jaeger")
    assert {part["image"] for name, part in compose.items() if name not in others} == set(built)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_its_migration_its_topics_and_the_issuer(compose, service):
    conditions = {name: how["condition"] for name, how in compose[service]["depends_on"].items()}
    migration = f"migrate-{service.replace('_', '-')}"
    assert conditions == {
        migration: "service_completed_successfully",
        "topics": "service_completed_successfully",
        "kafka-access": "service_completed_successfully",
        "issuer": "service_healthy",
    }
    job = compose[migration]
    assert job["command"] == ["-m", f"services.{service}.cli", "migrate"]
    assert job["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "databases": {"condition": "service_completed_successfully"},
    }
    own = compose[service]["env_file"]
    assert own == f".enlace/docker/{service}.env"
    # Only the job that migrates knows the owner of the tables.
    assert job["env_file"] == [own, f".enlace/docker/{service}-migrations.env"]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_once_and_is_waited_for(compose, job):
    assert compose[job]["restart"] == "no"
    assert compose[job]["healthcheck"] == {"disable": True}
    # `up --wait` fails for a container that has ended unless another one waits for just that.
    assert any(job in part.get("depends_on", {}) for part in compose.values())


def test_the_topics_wait_for_kafka(compose):
    assert compose["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert compose["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_every_image_is_a_variable_whose_default_is_a_fixed_version(written):
    for name, part in written.items():
        found = re.fullmatch(r"\$\{(\w+):-([\w./-]+):([\w.-]+)\}", part["image"])
        assert found, (name, part["image"])
        assert found[3] != "latest", name


def test_the_base_image_is_a_variable_whose_default_is_a_fixed_version(compose):
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert re.search(r"^ARG BASE_IMAGE=python:3\.\d+-slim$", text, re.M)
    bases = set(re.findall(r"^FROM (\S+)", text, re.M))
    assert bases <= {"${BASE_IMAGE}", "dependencies", "base"}
    default = re.search(r"^ARG BASE_IMAGE=(\S+)$", text, re.M)[1]
    assert compose["registration"]["build"]["args"]["BASE_IMAGE"] == default


def test_every_container_is_bounded_and_logs_are_rotated(compose):
    for name, part in compose.items():
        assert part["mem_limit"], name
        assert part["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert part["init"] is True, name
        assert int(part["stop_grace_period"].rstrip("s")) >= 30, name


def test_our_containers_run_without_privileges_on_a_file_system_they_cannot_change(compose):
    for name in (*SERVICES, *JOBS, "issuer", "console", "gateway", "rehearsal", "jaeger"):
        part = compose[name]
        assert part["read_only"] is True, name
        assert part["cap_drop"] == ["ALL"], name
        assert part["security_opt"] == ["no-new-privileges:true"], name
        assert part["tmpfs"][0].startswith("/tmp:"), name
    for stage in DOCKERFILE.read_text(encoding="utf-8").split("\nFROM ")[1:]:
        if stage.split("\n", 1)[0].endswith(("AS service", "AS issuer")):
            assert re.search(r"^USER \d+:\d+$", stage, re.M)


def test_ports_are_published_on_this_machine_only_and_each_once(compose):
    ports = [port for part in compose.values() for port in part.get("ports", [])]
    assert len(ports) == 9
    # What is scaled publishes none: two containers can't have one port.
    assert not any("ports" in compose[service] for service in SERVICES)
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def test_what_runs_for_long_has_a_health_check(compose):
    for name in ("postgres", "kafka", "issuer"):
        assert compose[name]["healthcheck"]["test"], name
    assert re.search(r"^HEALTHCHECK .*deploy\.docker\.ready", DOCKERFILE.read_text(encoding="utf-8"), re.M)
    assert not any("healthcheck" in compose[service] for service in SERVICES)


def test_jaeger_is_started_only_when_asked_for_and_no_container_waits_for_it(compose):
    assert compose["jaeger"]["profiles"] == ["traces"]
    assert not any("jaeger" in part.get("depends_on", {}) for part in compose.values())
    for service in SERVICES:
        assert compose[service]["environment"]["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] == ""


def settings_of(service: str) -> type[CommonSettings]:
    module = importlib.import_module(f"services.{service}.settings")
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, CommonSettings)]
    return next(kind for kind in kinds if kind is not CommonSettings)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_finds_all_its_settings_in_its_container(compose, service, tmp_path, monkeypatch):
    files = {path.stem: make_secrets._read(path) for path in make_secrets.write(tmp_path) if path.suffix == ".env"}
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in {**files[service], **compose[service]["environment"]}.items():
        monkeypatch.setenv(name, value)
    settings = settings_of(service)()
    assert "@postgres:5432/" in settings.database_url
    assert settings.kafka_access()["username"] == service
    assert settings.revocations_file == Path("/etc/enlace/revocations.json")
    assert settings.event_keys == files[service]["ENLACE_EVENT_KEYS"]
    assert settings.token_jwks_url == "http://issuer:8000/jwks"
    assert service != "registration" or settings.vault_key_text() == files[service]["ENLACE_VAULT_KEY"]
    assert service != "registration" or settings.restricted_key_text() == files[service]["ENLACE_RESTRICTED_KEY"]
    assert str(compose["issuer"]["environment"]["ENLACE_TOKEN_ISSUER"]) == settings.token_issuer


def test_no_container_sees_the_secrets_of_another(tmp_path):
    files = {path.stem: make_secrets._read(path) for path in make_secrets.write(tmp_path) if path.suffix == ".env"}
    kafka = {"kafka", "kafka-access"}
    migrations = {f"{service}-migrations" for service in SERVICES}
    assert files.keys() == {"postgres", "issuer", "console", *kafka, *SERVICES, *migrations}
    # The console's only secret is that of its client, which the issuer knows too.
    assert files["console"] == {name: files["issuer"][name] for name in ("ENLACE_CONSOLE_CLIENT_SECRET",)}
    values = [value for service in SERVICES for name, value in files[service].items() if name != "ENLACE_EVENT_KEYS"]
    assert len(values) == len(set(values))
    assert "ENLACE_VAULT_KEY" not in {name for service in SERVICES[1:] for name in files[service]}


def test_no_secret_is_written_into_the_compose_file(written):
    for name, part in written.items():
        for variable in set(part.get("environment", {})) - SWITCHES:
            value = str(part["environment"][variable])
            assert not re.search("password=|PRIVATE KEY", value), (name, variable)
            assert not re.search(r"SECRET|PASSWORD|VAULT|FINGERPRINT|DATABASE_URL", variable), (name, variable)


def copied(stage: str) -> list[tuple[list[str], str]]:
    """What a stage of the Dockerfile has of the project's code: sources in the project, and target."""
    text = DOCKERFILE.read_text(encoding="utf-8").split(f" AS {stage}\n", 1)[1].split("\nFROM ", 1)[0]
    lines = [line.split()[2:] for line in text.replace("\\\n", " ").splitlines() if line.startswith("COPY --from=code")]
    return [([word.removeprefix("/app/") for word in words[:-1]], words[-1]) for words in lines]


@pytest.mark.parametrize(
    ("stage", "modules"),
    [
        (
            "service",
            [
                *(f"services.{name}.cli" for name in (*SERVICES, "console")),
                *(f"deploy.docker.{name}" for name in SERVICE_PROGRAMS),
            ],
        ),
        ("issuer", [f"deploy.docker.{name}" for name in ("issuer", "ready", "load_pack", "rehearsal")]),
    ],
)
def test_an_image_holds_all_that_its_commands_import(stage, modules, tmp_path):
    for sources, target in copied(stage):
        for source in sources:
            into = tmp_path / target / (Path(source).name if target.endswith("/") else "")
            into.parent.mkdir(parents=True, exist_ok=True)
            ignore = shutil.ignore_patterns("__pycache__")
            whole = (ROOT / source).is_dir()
            shutil.copytree(ROOT / source, into, ignore=ignore) if whole else shutil.copy(ROOT / source, into)
    found = subprocess.run(
        [sys.executable, "-c", "".join(f"import {module}\n" for module in modules)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


def test_what_the_image_copies_is_not_ignored():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    text = DOCKERFILE.read_text(encoding="utf-8")
    lines = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert {source.split("/")[0] for sources in lines for source in sources} == kept


def test_the_issuer_gives_tokens_for_the_clients_of_the_pack(compose, tmp_path):
    environment = {
        **compose["issuer"]["environment"],
        "PATH": os.environ["PATH"],
        "ENLACE_ISSUER_STATE": str(tmp_path),
        "ENLACE_PACK": str(ROOT / "deploy" / "packs" / "guatemala"),
        "ENLACE_CLIENT_SECRET": "shared-with-notifications",
        "ENLACE_ISSUER_KEY": "a-key",
    }

    def ask(client: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.docker.issuer", "token", client]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    given = ask("notifications-service")
    assert given.returncode == 0, given.stderr
    claims = jws.extract_compact(given.stdout.strip().encode()).payload
    assert json.loads(claims)["iss"] == compose["registration"]["environment"]["ENLACE_TOKEN_ISSUER"]
    kept = json.loads((tmp_path / "keys.json").read_text())
    assert kept["client-notifications-service"] == "shared-with-notifications"
    assert ask("nobody").returncode == 1
