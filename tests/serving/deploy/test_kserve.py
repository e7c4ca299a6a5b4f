"""The KServe files; its own schemas are in no package, so Kubernetes' judge the pods in them."""

import kubernetes_validate
import pytest

from tests.serving.deploy.conftest import DEPLOY, flags, read_yaml
from tests.serving.deploy.test_kubernetes import VERSIONS, build

# pkg/apis/serving/v1alpha1/servingruntime_types.go and v1beta1/component.go of kserve/kserve.
RUNTIME_FIELDS = {"annotations", "supportedModelFormats", "protocolVersions"}
COMPONENT_FIELDS = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"}
MODEL_FIELDS = {"runtime", "modelFormat", "protocolVersion", "storageUri"}


@pytest.fixture(scope="module")
def predictor():
    return read_yaml("kserve/inference_service.yaml")["spec"]["predictor"]


def test_kinds(runtime):
    service = read_yaml("kserve/inference_service.yaml")
    assert (service["apiVersion"], service["kind"]) == (
        "serving.kserve.io/v1beta1",
        "InferenceService",
    )
    assert (runtime["apiVersion"], runtime["kind"]) == (
        "serving.kserve.io/v1alpha1",
        "ServingRuntime",
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pod_that_becomes_of_it_meets_the_schema(runtime, predictor, version):
    ours = {k: v for k, v in runtime["spec"].items() if k not in RUNTIME_FIELDS}
    theirs = {k: v for k, v in predictor.items() if k not in COMPONENT_FIELDS | {"model"}}
    assert set(ours) == {"containers", "volumes"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": ours | theirs}
    kubernetes_validate.validate(pod, version, strict=True)
    assert set(predictor["model"]) == MODEL_FIELDS


def test_the_runtime_is_ours(runtime, predictor):
    model = predictor["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    (supported,) = runtime["spec"]["supportedModelFormats"]
    assert {key: supported[key] for key in ("name", "version")} == model["modelFormat"]
    assert supported["autoSelect"] is False  # other people's models keep KServe's own
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]


def test_the_model_is_the_one_that_clients_ask_for(runtime_container, models_config):
    service = read_yaml("kserve/inference_service.yaml")
    command = flags(runtime_container["args"])
    assert command["model_name"] == "{{.Name}}"  # of the InferenceService, filled in by KServe
    assert command["model_base_path"] == "/mnt/models"  # where KServe lays storageUri
    assert [model.name for model in models_config] == [service["metadata"]["name"]]


def test_as_closed_as_the_deployment(runtime_container, container, predictor, pod):
    assert runtime_container["securityContext"] == container["securityContext"]
    for name in (
        "securityContext",
        "automountServiceAccountToken",
        "terminationGracePeriodSeconds",
    ):
        assert predictor[name] == pod[name]
    assert runtime_container["lifecycle"] == container["lifecycle"]
    written = {m["name"] for m in runtime_container["volumeMounts"] if not m.get("readOnly")}
    assert written == {"tmp"}


def test_kustomize_builds_it():
    objects = {manifest["kind"]: manifest for manifest in build("kserve")}
    assert set(objects) == {"ServingRuntime", "InferenceService", "ConfigMap"}
    volumes = objects["ServingRuntime"]["spec"]["volumes"]
    assert [v["configMap"]["name"] for v in volumes if "configMap" in v] == [
        objects["ConfigMap"]["metadata"]["name"]
    ]
    assert objects["ConfigMap"]["data"].keys() == {
        path.name for path in (DEPLOY / "tensorflow_serving").glob("*.config")
    }
