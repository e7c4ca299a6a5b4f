"""The sample dataset: faces of one portrait, real and self-blended, as clips."""
