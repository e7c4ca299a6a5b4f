"""What is said in several files is the same in all of them."""

import re

import pytest
import yaml

from tests.serving.deploy.conftest import DEPLOY, ROOT, flags, read_yaml

IMAGE = "tensorflow/serving:2.16.1"
GRPC, REST = 8500, 8501

# Where `{{.Name}}` is filled in by KServe there is no file of models.
SOURCES = {"model_config_file", "model_name", "model_base_path"}

# Of tensorflow_serving/model_servers/main.cc; an unknown one is only complained about in the log.
KNOWN_FLAGS = {
    *("port", "rest_api_port", "model_config_file", "model_name", "model_base_path"),
    *("monitoring_config_file", "enable_batching", "batching_parameters_file"),
    *("tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism", "grpc_max_threads"),
    *("grpc_channel_arguments", "rest_api_num_threads", "rest_api_timeout_in_ms"),
    *("file_system_poll_wait_seconds", "model_config_file_poll_wait_seconds", "ssl_config_file"),
}


@pytest.fixture(scope="module")
def commands(container, compose, runtime_container):
    return {
        "kubernetes": flags(container["args"]),
        "compose": flags(compose["services"]["tensorflow-serving"]["command"]),
        "kserve": flags(runtime_container["args"]),
    }


def files(*suffixes):
    return [path for path in sorted(DEPLOY.rglob("*")) if path.suffix in suffixes]


def test_image():
    named = {
        path.relative_to(DEPLOY).as_posix(): set(
            re.findall(r"tensorflow/serving(?:[:@][\w.:-]+)?", path.read_text())
        )
        for path in files(".yaml", ".md")
    }
    assert {path for path, images in named.items() if images} == {
        "README.md",
        "compose.yaml",
        "kubernetes/deployment.yaml",
        "kserve/serving_runtime.yaml",
    }
    assert set().union(*named.values()) == {IMAGE}


def test_image_is_of_the_release_that_models_are_made_by():
    release = IMAGE.split(":")[1].rsplit(".", 1)[0]
    assert f"\ntensorflow=={release}." in (ROOT / "requirements.lock").read_text()


def test_the_same_command_everywhere(commands):
    def common(command):
        return {name: value for name, value in command.items() if name not in SOURCES}

    assert common(commands["compose"]) == common(commands["kubernetes"])
    assert common(commands["kserve"]) == common(commands["kubernetes"])
    assert commands["compose"]["model_config_file"] == commands["kubernetes"]["model_config_file"]
    for command in commands.values():
        assert set(command) <= KNOWN_FLAGS


def test_documented_flags_are_known_and_set_as_said(commands):
    table = re.findall(r"^\| (`--.*?) \| (.*?) \|", (DEPLOY / "README.md").read_text(), re.M)
    assert len(table) == 9
    for names, values in table:
        named = re.findall(r"`--(\w+)`", names)
        assert set(named) <= KNOWN_FLAGS
        if values == "not set":
            assert not set(named) & set(commands["kubernetes"])
        elif names.startswith("`--enable_batching`"):
            assert commands["kubernetes"]["enable_batching"] == "true"
        else:
            assert [commands["kubernetes"][name] for name in named] == values.strip("`").split(", ")


def test_ports(commands, container, compose):
    for command in commands.values():
        assert (command["port"], command["rest_api_port"]) == (str(GRPC), str(REST))
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
        "grpc": GRPC,
        "http": REST,
    }
    service = read_yaml("kubernetes/service.yaml")["spec"]["ports"]
    assert {(port["name"], port["port"], port["targetPort"]) for port in service} == {
        ("grpc", GRPC, "grpc"),
        ("http", REST, "http"),
    }
    ingress = read_yaml("kubernetes/network_policy.yaml")["spec"]["ingress"]
    assert [[port["port"] for port in rule["ports"]] for rule in ingress] == [[GRPC, REST], [REST]]
    assert compose["services"]["tensorflow-serving"]["ports"] == [
        f"127.0.0.1:{port}:{port}" for port in (GRPC, REST)
    ]
    (job,) = read_yaml("monitoring/prometheus.yaml")["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"tensorflow-serving:{REST}"]


def test_the_configuration_is_mounted_where_the_flags_look(commands, container, compose):
    folder = "/etc/tensorflow_serving"
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts[folder] == "config"
    mounted = compose["services"]["tensorflow-serving"]["volumes"]
    assert f"./tensorflow_serving:{folder}:ro" in mounted
    (generator,) = read_yaml("tensorflow_serving/kustomization.yaml")["configMapGenerator"]
    for command in commands.values():
        for name, value in command.items():
            if name.endswith("_file"):
                parent, file = value.rsplit("/", 1)
                assert parent == folder
                assert file in generator["files"]
                assert (DEPLOY / "tensorflow_serving" / file).is_file()


def test_models_are_mounted_where_they_are_looked_for(models_config, container, compose):
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/models"]["readOnly"]
    assert compose["services"]["tensorflow-serving"]["volumes"][-1].endswith(":/models:ro")
    assert all(model.base_path == f"/models/{model.name}" for model in models_config)


def test_metrics_are_scraped_where_they_are_served(monitoring_config, runtime):
    path = monitoring_config.prometheus_config.path
    for name in ("prometheus.yaml", "prometheus_kubernetes.yaml"):
        job = read_yaml(f"monitoring/{name}")["scrape_configs"][0]
        assert (job["job_name"], job["metrics_path"]) == ("tensorflow_serving", path)
    annotations = runtime["spec"]["annotations"]
    assert annotations["prometheus.kserve.io/path"] == path
    assert annotations["prometheus.kserve.io/port"] == str(REST)


def test_prometheus_finds_the_pods(deployment):
    job = read_yaml("monitoring/prometheus_kubernetes.yaml")["scrape_configs"][0]
    kustomization = read_yaml("kubernetes/kustomization.yaml")
    assert job["kubernetes_sd_configs"][0]["namespaces"]["names"] == [kustomization["namespace"]]
    keep = job["relabel_configs"][0]
    assert keep["action"] == "keep"
    label, port = keep["regex"].split(";")
    assert keep["source_labels"] == [
        "__meta_kubernetes_pod_label_app_kubernetes_io_name",
        "__meta_kubernetes_pod_container_port_name",
    ]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == label
    assert port == "http"


def test_kserve_reads_what_kubeflow_pushes():
    service = read_yaml("kserve/inference_service.yaml")
    model = service["spec"]["predictor"]["model"]
    kubeflow = yaml.safe_load((ROOT / "configs" / "kubeflow.yaml").read_text())["kubeflow"]
    assert model["storageUri"] == f"{kubeflow['serving_root']}/{service['metadata']['name']}"
