"""Rules and dashboard ask for metrics that exist, by labels that they have."""

import json
import re
import shutil
import subprocess

import pytest

from tests.serving.deploy.conftest import DEPLOY, flags, read_yaml

# Of TensorFlow Serving and the TensorFlow in it, as util/prometheus_exporter.cc spells them: every
# character of a name but letters, digits and underscores becomes a colon.
COUNTERS = {
    # tensorflow_serving/servables/tensorflow/util.cc
    ":tensorflow:serving:request_count": {"model_name", "status"},
    ":tensorflow:serving:request_example_count_total": {"model"},
    # tensorflow_serving/batching/batching_session.cc
    ":tensorflow:serving:batching_session:wrapped_run_count": set(),
    # tensorflow/cc/saved_model/loader.cc
    ":tensorflow:cc:saved_model:load_attempt_count": {"model_path", "status"},
    ":tensorflow:cc:saved_model:load_latency": {"model_path"},
}
HISTOGRAMS = {
    # tensorflow_serving/servables/tensorflow/util.cc; all in microseconds
    ":tensorflow:serving:request_latency": {"model_name", "API", "entrypoint"},
    ":tensorflow:serving:runtime_latency": {"model_name", "API", "runtime"},
    # tensorflow_serving/batching/batching_session.cc
    ":tensorflow:serving:batching_session:queuing_latency": {"thread_pool_name"},
    # tensorflow_serving/servables/tensorflow/saved_model_warmup_util.cc
    ":tensorflow:serving:model_warmup_latency": {"model_path", "status"},
}
OTHERS = {
    "up": set(),
    # kube-state-metrics, docs/metrics/workload
    "kube_deployment_status_replicas_available": {"namespace", "deployment"},
    "kube_pod_container_status_restarts_total": {"namespace", "pod", "container"},
    "kube_pod_container_resource_limits": {"namespace", "pod", "container", "resource", "unit"},
    # the kubelet's cAdvisor
    "container_memory_working_set_bytes": {"namespace", "pod", "container"},
}
SCRAPED = {"job", "instance"}  # labels that Prometheus adds
METRICS = (
    COUNTERS
    | OTHERS
    | {f"{name}_bucket": labels | {"le"} for name, labels in HISTOGRAMS.items()}
    | {f"{name}_{end}": labels for name, labels in HISTOGRAMS.items() for end in ("sum", "count")}
)
STATUSES = {
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
}


def rules(kind):
    groups = read_yaml("monitoring/rules.yaml")["groups"]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


RECORDED = rules("record")
ALERTS = rules("alert")
DASHBOARD = json.loads((DEPLOY / "monitoring/grafana/dashboard.json").read_text())
EXPRESSIONS = {
    **{name: rule["expr"] for name, rule in (RECORDED | ALERTS).items()},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    },
}


def metrics(expression):
    """Names of series in PromQL, each with the labels that it is chosen by."""
    bare = re.sub(r"\b(by|without|on|ignoring) \([^)]*\)|\[[^]]*\]", "", expression)
    number, name, chosen = r"\d[\w.]*", r"([a-zA-Z_:][\w:]*)", r"(\s*\(|\{[^}]*\})?"
    for metric, rest in re.findall(f"{number}|{name}{chosen}", bare):
        if metric and not rest.endswith("(") and metric not in {"and", "or", "unless"}:
            yield metric, set(re.findall(r'(\w+)[!=]~?=?"', rest))


def kept_labels(expression):
    """Labels that the expression of a recording rule keeps, in their order."""
    by = re.findall(r"sum by \(([^)]*)\)", expression)[0]
    return [label for label in by.split(", ") if label != "le"]


def labels_of(name):
    if name in RECORDED:
        return set(kept_labels(RECORDED[name]["expr"]))
    return METRICS[name] | SCRAPED


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_metrics_exist(name):
    chosen = list(metrics(EXPRESSIONS[name]))
    assert chosen
    for metric, labels in chosen:
        assert metric in METRICS or metric in RECORDED
        assert labels <= labels_of(metric)


def test_metrics_are_found_in_expressions():
    expression = 'sum by (a) (rate(:x:y_bucket{b="c"}[5m])) / up > 1e6 unless absent(z:w)'
    assert list(metrics(expression)) == [(":x:y_bucket", {"b"}), ("up", set()), ("z:w", set())]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_statuses_exist(name):
    for metric in re.findall(r"request(?:_count|s:rate5m)\{([^}]*)\}", EXPRESSIONS[name]):
        for values in re.findall(r'status=~?"([^"]*)"', metric):
            assert set(values.split("|")) <= STATUSES


def test_server_errors_are_those_that_no_client_causes():
    (statuses,) = re.findall(
        r'status=~"([^"]*)"', RECORDED["model_name:serving_server_errors:ratio_rate5m"]["expr"]
    )
    assert set(statuses.split("|")) == {
        *("ABORTED", "DATA_LOSS", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED"),
        *("UNAVAILABLE", "UNKNOWN"),
    }


def test_histograms_are_asked_for_as_such():
    for expression in EXPRESSIONS.values():
        for inner in re.findall(r"histogram_quantile\([\d.]+, (.*?\]\))", expression):
            assert re.search(r"sum by \([^)]*\ble\b[^)]*\) \(rate\(:[\w:]+_bucket\b", inner)


def test_recorded_names_begin_with_their_labels():
    for name, rule in RECORDED.items():
        assert name.split(":")[0] == "_".join(kept_labels(rule["expr"]))


def test_alerts_cover_what_goes_wrong(models_config, container):
    assert set(ALERTS) == {
        *("UnmaskServerErrors", "UnmaskSlow", "UnmaskServerDown", "UnmaskNoVersion"),
        *("UnmaskVersionFailsToLoad", "UnmaskQueueFull", "UnmaskQueueLong", "UnmaskNoReadyPod"),
        *("UnmaskPodRestarts", "UnmaskMemory"),
    }
    for rule in ALERTS.values():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
    named = set(re.findall(r'model_name=~"([^"]*)"', ALERTS["UnmaskNoVersion"]["expr"]))
    assert named == {"|".join(model.name for model in models_config)}
    jobs = set(re.findall(r'job="([^"]*)"', json.dumps(EXPRESSIONS).replace("\\", "")))
    assert jobs == {read_yaml("monitoring/prometheus.yaml")["scrape_configs"][0]["job_name"]}
    containers = set(re.findall(r'container="([^"]*)"', json.dumps(EXPRESSIONS).replace("\\", "")))
    assert containers == {container["name"]}


def test_dashboard():
    panels = DASHBOARD["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"]
    used = set(re.findall(r"\$\{?(\w+)\}?", json.dumps(DASHBOARD)))
    assert used - {"__rate_interval", "__all"} == variables
    (source,) = read_yaml("monitoring/grafana/datasources.yaml")["datasources"]
    assert source["uid"] == DASHBOARD["templating"]["list"][0]["current"]["value"]
    command = flags(read_yaml("compose.yaml")["services"]["prometheus"]["command"])
    assert command["storage.tsdb.path"] == "/prometheus"
    assert source["url"] == "http://prometheus:9090"


@pytest.fixture
def promtool():
    """Runs Prometheus' own checker, which Debian's package `prometheus` has."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not on this machine")

    def run(*arguments):
        done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def test_promtool_accepts_configuration_and_rules(promtool):
    promtool("check", "config", DEPLOY / "monitoring" / "prometheus.yaml")


def test_promtool_accepts_the_dashboard(promtool, tmp_path):
    expressions = [
        target["expr"].replace("$__rate_interval", "1m").replace("$model", ".*")
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]
    recorded = [{"record": f"x{n}", "expr": expression} for n, expression in enumerate(expressions)]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": recorded}]}))
    promtool("check", "rules", path)


def test_alerts_fire_when_they_should(promtool):
    promtool("test", "rules", DEPLOY.parents[1] / "tests/serving/deploy/rules_test.yaml")
