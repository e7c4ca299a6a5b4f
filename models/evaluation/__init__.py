"""How well scores tell fakes from reals, and what else explains them."""
