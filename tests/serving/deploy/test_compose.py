"""The compose file: everything it mounts is there, nothing is open, and its health check works."""

import http.server
import re
import subprocess
import threading

import pytest

from tests.serving.deploy.conftest import DEPLOY

SERVICES = ("tensorflow-serving", "prometheus", "grafana")


def test_services(compose):
    assert tuple(compose["services"]) == SERVICES
    assert set(compose) == {"name", "x-hardened", "services", "volumes"}


@pytest.mark.parametrize("name", SERVICES)
def test_hardened(compose, name):
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert set(service["healthcheck"]) >= {"test", "interval", "timeout", "retries"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_port_is_open_to_other_machines(compose, name):
    for port in compose["services"][name]["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(compose, name):
    for mount in compose["services"][name]["volumes"]:
        source, target, *mode = re.split(r":(?![?])", mount)
        assert target.startswith("/")
        if source.startswith("./"):
            assert (DEPLOY / source).exists()
            assert mode == ["ro"]
        elif source.startswith("${"):  # stops with this text unless it is set
            assert re.fullmatch(r"\$\{UNMASK_MODELS:\?[^}]+\}", source)
            assert mode == ["ro"]
        else:
            assert source in compose["volumes"]


def test_prometheus_and_grafana_find_what_is_mounted(compose):
    targets = [
        mount.split(":")[1]
        for name in ("prometheus", "grafana")
        for mount in compose["services"][name]["volumes"]
    ]
    (flag,) = (c for c in compose["services"]["prometheus"]["command"] if "config.file" in c)
    assert flag.split("=")[1] in targets
    # `rules.yaml` in prometheus.yaml, beside it.
    assert "/etc/prometheus/rules.yaml" in targets
    provider = (DEPLOY / "monitoring/grafana/dashboards.yaml").read_text()
    assert "path: /etc/grafana/dashboards}" in provider
    assert "/etc/grafana/dashboards/unmask.json" in targets


def test_secrets_are_not_in_the_file(compose):
    password = compose["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert password.startswith("${GRAFANA_ADMIN_PASSWORD:?")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers like TensorFlow Serving: 200 where there is metadata, else 404."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Connection"]))
        is_served = self.path in self.server.paths
        body = (
            b"{}" if is_served else b'{"error": "Servable not found for request: Latest(xception)"}'
        )
        self.send_response(200 if is_served else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def check(compose):
    """Runs the health check against a server that has metadata at these paths."""
    program, *arguments = compose["services"]["tensorflow-serving"]["healthcheck"]["test"]
    assert program == "CMD"
    servers = []

    def run(paths):
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        server.paths, server.asked = paths, []
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # Compose reads $$ as $.
        command = [
            a.replace("$$", "$").replace("/8501", f"/{server.server_port}") for a in arguments
        ]
        assert command != arguments
        done = subprocess.run(command, capture_output=True, timeout=30)
        return done.returncode, server.asked

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()


def test_healthy_while_a_version_can_be_asked(check, models_config):
    (model,) = models_config
    path = f"/v1/models/{model.name}/metadata"
    assert check({path}) == (0, [(path, "close")])


def test_unhealthy_without_a_version(check):
    status, asked = check(set())
    assert status != 0
    assert len(asked) == 1


def test_unhealthy_while_the_port_is_closed(compose):
    _, *arguments = compose["services"]["tensorflow-serving"]["healthcheck"]["test"]
    # Port 1 needs privileges that nobody's server here has.
    command = [argument.replace("$$", "$").replace("/8501", "/1") for argument in arguments]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode != 0
