"""From scores to calibrated probabilities and thresholds, fitted on `eval`."""
