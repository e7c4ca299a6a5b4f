"""Kubeflow: the pipeline compiled for Kubeflow Pipelines.

`compiler.py` loads TFX and is imported from its file; `commands.py` is the command line.
"""
