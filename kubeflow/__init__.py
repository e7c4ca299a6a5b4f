"""Kubeflow: the pipeline compiled for Kubeflow Pipelines."""
