"""Pipeline: run configuration, the TFX graph and the local runner."""
