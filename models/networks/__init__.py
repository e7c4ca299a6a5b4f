"""Networks: a backbone with a head, pooling over tracks, and weights from elsewhere.

Open `classifier` first: it builds a network from its config. `saved_network` takes one out of a
served version, `mesonet_weights` reads the weights that MesoNet's authors published.
"""

from models.networks import classifier, mesonet_weights, saved_network
from models.networks.classifier import Classifier

__all__ = ["Classifier", "classifier", "mesonet_weights", "saved_network"]
