"""Short trainings of a tiny network, and a log that stops them."""

from models.config import ModelConfig
from models.networks import classifier
from models.training.checkpoints import Checkpoints
from models.training.log import TrainingLog
from models.training.precision import Precision
from models.training.trainer import Trainer

FLOAT32 = Precision("float32", "test")


def make_config(name, **changes):
    values = {"image_size": 32, "weights": None, "batch_size": 4, "steps": 40, **changes}
    return ModelConfig(model=name, **values)


class KillingLog(TrainingLog):
    """A log that ends training at a step, as a kill would."""

    def __init__(self, last_step):
        super().__init__("tiny", 1, None)
        self._killed_at = last_step
        self.seen = []

    def step(self, step, loss, learning_rate, batch):
        self.seen.append((step, loss, learning_rate))
        if step == self._killed_at:
            raise KeyboardInterrupt


def run(config, source, folder, precision=FLOAT32, network=None, log=None, eval_source=None):
    network = network or classifier.build(config, precision.policy, weights=None)
    log = log or TrainingLog(config.name, config.steps, None)
    checkpoints = Checkpoints(str(folder))
    trainer = Trainer(network, source, eval_source or source, precision, checkpoints, log)
    return network, trainer.train()
