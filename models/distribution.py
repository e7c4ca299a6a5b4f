"""How training is spread over devices, by name."""

import tensorflow as tf

from data.errors import UsageError


def create(name: str) -> tf.distribute.Strategy:
    """Makes the strategy that a config names; variables must be made in its scope.

    `multi_worker` takes the cluster from the environment variable TF_CONFIG
    (tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable).

    Args:
        name: `none`, `mirrored` (all GPUs of this machine, or its logical CPUs where it has
            none), `multi_worker` or `tpu`.

    Raises:
        UsageError: there is no TPU.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu="")
    except (ValueError, tf.errors.OpError) as error:
        raise UsageError(
            f"strategy: tpu: there is no TPU to be reached from here ({error}); run on a machine "
            "that has one, or set `strategy` to none, mirrored or multi_worker"
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes what all workers have made: checkpoints and the model."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_type == "worker" and resolver.task_id == 0
    )


def let_memory_grow() -> None:
    """Takes GPU memory as it is needed, not all of it at once: a server may share the GPU."""
    for device in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(device, True)
        except RuntimeError:
            return  # the GPU is in use already, with whatever was set before
