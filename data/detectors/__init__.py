"""Face detectors behind one interface."""
