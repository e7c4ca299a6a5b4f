"""Which versions are served: sources, policies, labels and the manager."""
