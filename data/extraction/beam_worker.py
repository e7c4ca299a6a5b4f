"""Set-up of a process that Beam starts on this machine; it imports this first, as a plugin."""

import signal

# The terminal sends Ctrl-C to all of its processes. The one that was started by hand ends the job.
signal.signal(signal.SIGINT, signal.SIG_IGN)
