"""The compose file is valid, complete, closed to the outside, and says only what is there."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from services import cli
from services.commands.serve import EVERY
from services.runtime import secrets_file, settings
from tests import deployment
from tests.deployment import COMPOSE, DEPLOY, ROOT

SERVICES: dict[str, dict[str, Any]] = deployment.compose()["services"]
RELAY = deployment.relay_services()
# What the images of others bring along, by the documentation of each.
PROGRAMS = {
    "kafka": "/opt/kafka/bin/kafka-broker-api-versions.sh",
    "postgres": "pg_isready",
    "prometheus": "promtool",
    "grafana": "wget",
    "mailpit": "/mailpit",
}
SECRET = re.compile(r"PASSWORD|SECRET|AT_REST|LINKS|TOKEN")


@pytest.fixture
def made(tmp_path: Path) -> dict[str, str]:
    """What deploy/new-env writes."""
    place = tmp_path / "env"
    subprocess.run([DEPLOY / "new-env", place], check=True, capture_output=True)
    return deployment.environment_file(place)


def test_it_is_a_compose_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_service_of_the_relay_runs() -> None:
    served = {role for one in RELAY.values() for role in one["command"][1:] if one["command"][0] == "serve"}
    assert served == set(EVERY)


@pytest.mark.parametrize("name", RELAY)
def test_every_command_is_one_of_ours(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*RELAY[name]["command"], "--help"]) == 0
    assert "Usage: relay" in capsys.readouterr().out


@pytest.mark.parametrize("name", RELAY)
def test_every_setting_is_known_and_right(
    name: str, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {key: deployment.filled(value, made) for key, value in RELAY[name]["environment"].items()}
    assert set(given) <= deployment.known_settings()
    for key in [key for key in os.environ if key.startswith(settings.PREFIX)]:
        monkeypatch.delenv(key)
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    held = settings.load()
    assert secrets_file.load(held).links
    assert held.http.metrics_port == 9480


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_on_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:"), port


def test_no_secret_has_a_default() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    secret = [one for one in deployment.variables(text) if SECRET.search(one.name)]
    assert {one.name for one in secret} >= {"POSTGRES_PASSWORD", "GRAFANA_ADMIN_PASSWORD"}
    assert [one.name for one in secret if one.operator != ":?"] == []
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert value.startswith("${"), name


def test_the_relay_logs_in_as_the_owner_of_its_ledger_and_not_as_the_superuser() -> None:
    postgres = SERVICES["postgres"]
    assert not {"POSTGRES_USER", "POSTGRES_DB"} & set(postgres["environment"])  # the image's own: `postgres`
    script = next(one.split(":") for one in postgres["volumes"] if "initdb.d" in one)
    assert Path(script[1]).parent == Path("/docker-entrypoint-initdb.d")
    said = (ROOT / script[0]).read_text(encoding="utf-8")
    for service in RELAY.values():
        url = urlsplit(service["environment"]["RELAY_LEDGER__URL"])
        assert f"CREATE DATABASE {url.path[1:]} OWNER {url.username};" in said
        assert f"CREATE ROLE {url.username} LOGIN NOSUPERUSER" in said
    passwords = re.findall(r"PASSWORD (\S+);", said)
    assert passwords == [":'password'", "NULL"]
    assert "\\getenv password POSTGRES_PASSWORD\n" in said


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_come(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        awaited = SERVICES[other]
        if how["condition"] == "service_healthy":
            assert awaited["healthcheck"]["test"], other
        else:
            assert how["condition"] == "service_completed_successfully"
            assert awaited["restart"].startswith("on-failure"), other


@pytest.mark.parametrize("name", SERVICES)
def test_every_health_check_asks_something_that_is_there(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check = SERVICES[name]["healthcheck"]
    if check.get("disable"):
        assert SERVICES[name]["restart"].startswith("on-failure"), "only a job may go unasked"
        return
    kind, program, *arguments = check["test"]
    assert kind == "CMD"
    if name not in RELAY:
        assert program == PROGRAMS[name]
        return
    assert program == "relay"
    assert cli.run([*arguments, "--help"]) == 0
    capsys.readouterr()
    asked = urlsplit(next((one for one in arguments if "://" in one), "http://127.0.0.1:8480/readyz"))
    expected = 8480 if name == "ingest" else int(RELAY[name]["environment"]["RELAY_HTTP__METRICS_PORT"])
    assert (asked.hostname, asked.port, asked.path) == ("127.0.0.1", expected, "/readyz")


def test_every_mounted_file_and_build_context_is_there() -> None:
    volumes = deployment.compose()["volumes"]
    mounted = [one for service in SERVICES.values() for one in service.get("volumes", [])]
    assert mounted
    for one in mounted:
        source = str(one).split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert str(one).endswith(":ro"), one
        else:
            assert source in volumes, source
    builds = [service["build"] for service in SERVICES.values() if "build" in service]
    assert len(builds) == 1
    assert (ROOT / builds[0]["context"] / builds[0]["dockerfile"]).is_file()


def test_grafana_opens_a_board_that_is_mounted() -> None:
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    mounts = [one.split(":") for one in SERVICES["grafana"]["volumes"]]
    source = next(Path(source) for source, target, *_ in mounts if target == str(home.parent))
    assert (ROOT / source / home.name).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_everything_is_pinned_bounded_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    _, _, tag = str(service["image"]).partition(":")
    assert tag
    assert "latest" not in tag
    assert service["deploy"]["resources"]["limits"]["memory"]
    once = name in RELAY and service["command"][0] != "serve"
    assert service["restart"] == ("on-failure:5" if once else "unless-stopped")
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", RELAY)
def test_the_relay_writes_nowhere_and_may_do_nothing_special(name: str) -> None:
    service = RELAY[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_the_example_names_every_variable_and_gives_no_value() -> None:
    example = deployment.environment_file(DEPLOY / "env.example")
    used = {one.name for one in deployment.variables(COMPOSE.read_text(encoding="utf-8"))}
    assert set(example) == used | {"COMPOSE_PROFILES"}
    assert set(example.values()) == {""}


def test_new_env_gives_all_that_must_be_given_afresh_each_time(made: dict[str, str], tmp_path: Path) -> None:
    deployment.filled(COMPOSE.read_text(encoding="utf-8"), made)  # raises for what is missing
    place = tmp_path / "env"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    again = subprocess.run([DEPLOY / "new-env", place], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert deployment.environment_file(place) == made
    subprocess.run([DEPLOY / "new-env", tmp_path / "other"], check=True, capture_output=True)
    other = deployment.environment_file(tmp_path / "other")
    secret = [name for name in made if SECRET.search(name) or name == "KAFKA_CLUSTER_ID"]
    assert len(secret) == 5
    assert all(made[name] != other[name] for name in secret)


def test_files_with_secrets_are_kept_out_of_the_repository_and_the_image() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.env", "/deploy/local.env"} <= set(ignored)
    assert (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()[1] == "*"
    assert all(one["env_file"] == [{"path": "deploy/local.env", "required": False}] for one in RELAY.values())


def test_prometheus_scrapes_every_service_where_it_answers() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    scraped = {
        (name, found["port"])
        for job in config["scrape_configs"]
        for found in job.get("dns_sd_configs", [])
        for name in found["names"]
    }
    assert scraped == {(role, 9480) for role in EVERY}
