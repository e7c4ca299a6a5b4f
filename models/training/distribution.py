"""How training is spread over devices, by name."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from data.utils.errors import UsageError


def build_strategy(name: str) -> tf.distribute.Strategy:
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
    """Whether this process writes checkpoints and the model; of several workers one does."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_type == "worker" and resolver.task_id == 0
    )


def average_statistics(variables: Sequence[keras.Variable]) -> None:
    """Averages the statistics that batch normalisation keeps on each device separately.

    Called in the strategy's scope, by all workers at once.

    Args:
        variables: of a network; trainable ones are the same on all devices already.
    """
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return
    statistics = [
        variable.value
        for variable in variables
        if not variable.trainable and variable.dtype.startswith("float")
    ]

    @tf.function
    def average() -> None:
        # Read on each device: `reduce` takes a variable to be the same everywhere.
        values = strategy.run(lambda: [tf.identity(statistic) for statistic in statistics])
        for statistic, value in zip(statistics, values, strict=True):
            statistic.assign(strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None))

    average()


def mean_of_workers(values: Sequence[float]) -> list[float]:
    """Means of the values of all workers; called like `average_statistics`.

    So all workers decide alike, though the last bits of their own values differ.
    """
    tensor = tf.constant(values, tf.float64)
    mean = tf.distribute.get_strategy().reduce(tf.distribute.ReduceOp.MEAN, tensor, axis=None)
    means: list[float] = mean.numpy().tolist()
    return means
