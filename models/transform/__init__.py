"""What Transform computes for training, evaluation and slicing."""
