"""Pipeline: from an extraction to gated, served models.

Begin with `config.py`, the configuration of a run; `graph.py` builds its TFX graph and `runner.py`
runs it on this machine. Modules are imported from their files, since all but `config.py` load
TensorFlow or TFX.
"""
