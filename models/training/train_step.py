"""One update of a network's weights, on all devices of a strategy."""

import keras
import tensorflow as tf

from models.inputs import Batch
from models.networks import Classifier


def build_train_step(
    network: Classifier,
    optimizer: keras.optimizers.Optimizer,
    strategy: tf.distribute.Strategy,
) -> tf.types.experimental.PolymorphicFunction:
    """Makes the function that trains on one batch.

    Args:
        network: its trainable variables are updated.
        optimizer: built for these variables.
        strategy: in whose scope network and optimizer were made.

    Returns:
        A function of a `Batch`. It returns the batch's loss and the norm of its gradients, float32
        scalars; the norm includes the loss scale.
    """
    batch_size = float(network.config.batch_size)
    variables = network.trainable_variables

    def on_replica(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = network(batch.images, batch.used, training=True)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=batch.labels, logits=logits)
            loss = tf.reduce_sum(losses * batch.weights) / batch_size
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, [v.value for v in variables])
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync > 1:
            # Summed, so that every device notices gradients of another that are not finite. Each
            # then applies its share: Keras adds the shares up again.
            gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            gradients = [gradient / replica.num_replicas_in_sync for gradient in gradients]
        optimizer.apply(gradients, variables)
        return loss, tf.linalg.global_norm(gradients)

    # XLA makes a step on a CPU 3 to 5 times slower.
    @tf.function(jit_compile=False, reduce_retracing=True)
    def train_step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        losses, norms = strategy.run(on_replica, args=(batch,))
        total = tf.distribute.ReduceOp.SUM
        return strategy.reduce(total, losses, axis=None), strategy.reduce(total, norms, axis=None)

    return train_step
