"""Models: Keras networks, training, calibration and export to SavedModels."""
