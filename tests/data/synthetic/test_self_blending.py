import numpy as np

from data.synthetic import self_blending, styles

ANGLES = np.linspace(0.0, 2.0 * np.pi, 20, endpoint=False)
FACE = np.stack([64 + 30 * np.cos(ANGLES), 64 + 40 * np.sin(ANGLES)], axis=-1).astype(np.float32)


def test_mask_covers_the_face_alone():
    peaks = set()
    for seed in range(30):
        mask = self_blending.draw_mask(np.random.default_rng(seed), FACE, (128, 128))
        assert mask.shape == (128, 128)
        assert mask.dtype == np.float32
        assert mask.min() >= 0.0
        assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) < 0.01
        assert 0.4 < (mask > mask.max() / 2).sum() / (np.pi * 30 * 40) < 1.3
        peaks.add(round(float(mask[64, 64]), 2))
    assert peaks == {0.75, 1.0}


def test_blend_changes_the_face_or_its_surroundings():
    picture = np.full((128, 128, 3), 100.0, np.float32)
    style = styles.Style(
        (20.0, 20.0, 20.0), 0.0, 0.0, 0.0, 0.0, 1.0, drops_pixels=False, sharpening=0.0
    )
    colours = set()
    for seed in range(20):
        fake = self_blending.self_blend(np.random.default_rng(seed), picture, FACE, style)
        colours.add((round(float(fake[64, 64, 0])), round(float(fake[2, 2, 0]))))
    # (face, surroundings): styled wholly or by three quarters, whichever of the two it is.
    assert colours == {(120, 100), (115, 100), (100, 120), (105, 120)}
