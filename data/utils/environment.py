"""Settings of the process that must stand before TensorFlow and Beam are imported.

Entry points import this first; importing it is what sets them.
"""

import os
import warnings

# tensorflow-transform switches Keras 3 off, unless this is set before it is imported.
os.environ["TF_USE_LEGACY_KERAS"] = "0"
# TensorFlow 2.16 logs three CUDA errors at every start, also where there is no GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# GPU memory as it is needed, not all of it at once: a server may share the GPU.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# Google's clients, which Beam imports, warn that they will leave this Python; tfx cannot.
os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")
warnings.filterwarnings("ignore", category=FutureWarning)
# No proxy reaches what listens on this machine: Beam's own workers, and servers that we ask.
_direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
_hosts = dict.fromkeys([*filter(None, _direct.split(",")), "localhost", "127.0.0.1", "::1"])
os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(_hosts)
