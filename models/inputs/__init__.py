"""From crops to batches: sampling, decoding, augmentation and self-blended images."""
