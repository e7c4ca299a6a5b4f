"""Backbones: networks that turn an image into features, one family a file.

Open `registry` first: it lists them by name and builds them. Importing the room loads no
framework. The files of the networks (such as `mesonet.py`) and `grouped_convolution.py` load
Keras; the registry imports them when it builds one.
"""

from models.backbones import registry, weights

__all__ = ["registry", "weights"]
