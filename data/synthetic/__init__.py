"""The sample dataset: faces of one portrait, real and self-blended, as clips.

Open `generator.py` first: it writes the dataset. `identities.py` varies the portrait, and
`self_blending.py` makes fakes of reals, for training too, whose halves differ by `styles.py`.
"""

from data.synthetic import generator, identities, self_blending, styles

__all__ = ["generator", "identities", "self_blending", "styles"]
