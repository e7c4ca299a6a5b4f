"""The manifests are valid, strictly, and keep what they promise of security and of ending."""

import copy
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from tests.serving.deploy.conftest import DEPLOY, flags, read_yaml

FOLDER = DEPLOY / "kubernetes"
# The release that the files ask for at least, and the newest whose schemas there are.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
MANIFESTS = sorted(path.name for path in FOLDER.glob("*.yaml") if path.stem != "kustomization")


def read(name):
    return read_yaml(f"kubernetes/{name}")


def build(folder):
    """What kustomize makes of a folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine")
    built = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / folder)], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(built.stdout))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_meets_the_schema(name, version):
    kubernetes_validate.validate(read(name), version, strict=True)


def test_the_schema_is_strict(deployment):
    wrong = copy.deepcopy(deployment)
    wrong["spec"]["template"]["spec"]["runAsNonRoot"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_manifest_is_applied():
    kustomization = read("kustomization.yaml")
    assert sorted(kustomization["resources"]) == sorted([*MANIFESTS, "../tensorflow_serving"])
    assert read("namespace.yaml")["metadata"]["name"] == kustomization["namespace"]


def test_kustomize_builds_it():
    objects = build("kubernetes")
    for manifest in objects:
        kubernetes_validate.validate(manifest, VERSIONS[0], strict=True)
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "unmask"
    by_kind = {manifest["kind"]: manifest for manifest in objects}
    assert len(by_kind) == len(objects) == len(MANIFESTS) + 1
    config = by_kind["ConfigMap"]
    assert config["data"] == {
        path.name: path.read_text() for path in (DEPLOY / "tensorflow_serving").glob("*.config")
    }
    volumes = by_kind["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert [v["configMap"]["name"] for v in volumes if "configMap" in v] == [
        config["metadata"]["name"]  # with a hash of the content: a change rolls the pods
    ]
    assert config["metadata"]["name"].startswith("tensorflow-serving-config-")


def test_pods_meet_the_restricted_standard(pod, container):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards"""
    labels = read("namespace.yaml")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["runAsGroup"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert not any("hostPort" in port for port in container["ports"])
    assert all({"name"} < set(volume) and "hostPath" not in volume for volume in pod["volumes"])


def test_only_scratch_can_be_written(pod, container):
    written = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert written == {"tmp"}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(volumes) == {m["name"] for m in container["volumeMounts"]}
    assert volumes["tmp"] == {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}
    claim = volumes["models"]["persistentVolumeClaim"]
    assert claim == {"claimName": "models", "readOnly": True}
    volume = read("persistent_volume_claim.yaml")
    assert volume["metadata"]["name"] == "models"
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]


def test_no_token(pod):
    account = read("service_account.yaml")
    assert account["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == account["metadata"]["name"]


def test_resources_are_bounded(container):
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert set(requests) == set(limits) == {"cpu", "memory", "ephemeral-storage"}
    assert requests["cpu"] == limits["cpu"]


def test_probes_ask_for_what_they_mean(container, models_config):
    (model,) = models_config
    loaded = {"path": f"/v1/models/{model.name}/metadata", "port": "http"}
    assert container["startupProbe"]["httpGet"] == loaded
    assert container["readinessProbe"]["httpGet"] == loaded
    # A server without a version must not be restarted: that brings none back.
    assert container["livenessProbe"]["httpGet"] == {
        "path": f"/v1/models/{model.name}",
        "port": "http",
    }
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 600
    liveness = container["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 120


def test_connections_end_before_the_server_does(pod, container):
    asleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grpc_arguments = flags(container["args"])["grpc_channel_arguments"]
    name, age = grpc_arguments.split("=")
    assert name == "grpc.max_connection_age_ms"
    # gRPC lets each connection live 10 % shorter or longer, so that not all end at once.
    last_connection_s = int(age) / 1000 * 1.1
    assert last_connection_s < asleep < pod["terminationGracePeriodSeconds"]
    assert pod["terminationGracePeriodSeconds"] - last_connection_s >= 50  # as README.md says


def test_a_rollout_takes_nothing_away(deployment):
    strategy = deployment["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in deployment["spec"]  # each apply would undo the autoscaler


def test_selectors_find_the_pods(deployment, pod):
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert read("service.yaml")["spec"]["selector"] == labels
    for selector in (
        deployment["spec"]["selector"],
        pod["topologySpreadConstraints"][0]["labelSelector"],
        read("pod_disruption_budget.yaml")["spec"]["selector"],
        read("network_policy.yaml")["spec"]["podSelector"],
    ):
        assert selector == {"matchLabels": labels}


def test_autoscaler_and_disruption_budget_leave_one_pod(deployment):
    autoscaler = read("horizontal_pod_autoscaler.yaml")["spec"]
    assert autoscaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    budget = read("pod_disruption_budget.yaml")["spec"]
    assert autoscaler["minReplicas"] > budget["maxUnavailable"]


def test_network_is_closed_but_for_clients_and_prometheus():
    policy = read("network_policy.yaml")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []
    clients, prometheus = (rule["from"] for rule in policy["ingress"])
    assert clients == [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"unmask-client": "true"}}}
    ]
    assert prometheus == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]
