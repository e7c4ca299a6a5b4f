"""Which requests a server takes, and when: tokens, health, capacity, TLS files.

`control.py` is the place to start: the one rule that both transports apply.
"""

from serving.server.admission import ssl_config
from serving.server.admission.auth import BearerTokens
from serving.server.admission.capacity import Capacity
from serving.server.admission.control import AdmissionControl
from serving.server.admission.fair_semaphore import FairSemaphore
from serving.server.admission.health import HEALTH_SERVICE, Health, Stage
from serving.server.admission.receive_watchdog import ReceiveWatchdog

__all__ = [
    "HEALTH_SERVICE",
    "AdmissionControl",
    "BearerTokens",
    "Capacity",
    "FairSemaphore",
    "Health",
    "ReceiveWatchdog",
    "Stage",
    "ssl_config",
]
