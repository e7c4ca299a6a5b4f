import io
import random
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage import data

from models.inputs import image_ops

FACE = data.astronaut()[0:96, 176:272]


def encode(image_format, pixels=FACE, mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, image_format, **options)
    return file.getvalue()


JPEG, PNG = encode("JPEG", quality=95), encode("PNG")


def png_claiming(width, height):
    """A valid header of any size, and the pixels of a small image."""
    header = b"IHDR" + struct.pack(">II", width, height) + PNG[24:29]
    return PNG[:12] + header + struct.pack(">I", zlib.crc32(header)) + PNG[33:]


def jpeg_claiming(width, height):
    start = JPEG.index(b"\xff\xc0") + 5  # height follows the segment's length and precision
    return JPEG[:start] + struct.pack(">HH", height, width) + JPEG[start + 4 :]


@pytest.fixture(scope="module")
def decode_faces():
    return tf.function(
        lambda encoded: image_ops.decode_faces(encoded, 96),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )


@pytest.mark.parametrize(
    ("encoded", "tolerance"),
    [
        pytest.param(PNG, 0, id="png"),
        pytest.param(JPEG, 0.5, id="jpeg"),
        pytest.param(encode("JPEG", quality=95, progressive=True), 0.5, id="progressive jpeg"),
        pytest.param(encode("JPEG", mode="CMYK", quality=95), 4, id="cmyk jpeg"),
        pytest.param(encode("PNG", mode="RGBA"), 0, id="png with alpha"),
        pytest.param(encode("PNG", mode="P"), 0, id="palette png"),
    ],
)
def test_decodes_as_another_decoder_does(decode_faces, encoded, tolerance):
    faces, readable = decode_faces(tf.constant([encoded]))
    assert readable.numpy().all()
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"), np.float32)
    assert np.abs(faces[0] - expected).mean() <= tolerance


def test_grey_becomes_three_equal_channels(decode_faces):
    faces, readable = decode_faces(tf.constant([encode("JPEG", mode="L"), encode("PNG", mode="L")]))
    assert readable.numpy().all()
    assert np.ptp(faces.numpy(), axis=-1).max() == 0


UNREADABLE = {
    "empty": b"",
    "text": b"hello",
    "jpeg's first bytes": JPEG[:3],
    "png's signature": PNG[:8],
    "png cut in its header": PNG[:20],
    "half a jpeg": JPEG[: len(JPEG) // 2],
    "half a png": PNG[: len(PNG) // 2],
    "gif": encode("GIF"),
    "bmp": encode("BMP"),
    "png too wide": png_claiming(4097, 10),
    "png too high": png_claiming(10, 4097),
    "png of 4 GB": png_claiming(2**31 - 1, 2**31 - 1),
    "png of negative width": png_claiming(2**32 - 1, 10),
    "png of no width": png_claiming(0, 10),
    "jpeg too wide": jpeg_claiming(4097, 96),
    "jpeg too high": jpeg_claiming(96, 4097),
}


def test_an_unreadable_image_does_not_fail_the_others(decode_faces):
    mixed = [part for bad in UNREADABLE.values() for part in (bad, JPEG)]
    faces, readable = decode_faces(tf.constant(mixed))
    assert dict(zip(UNREADABLE, readable.numpy()[::2], strict=True)) == dict.fromkeys(
        UNREADABLE, False
    )
    assert readable.numpy()[1::2].all()
    assert not faces.numpy()[::2].any()
    alone, _ = decode_faces(tf.constant([JPEG]))
    np.testing.assert_array_equal(faces[1::2], np.repeat(alone, len(UNREADABLE), axis=0))


def test_no_mutation_of_an_image_fails_the_others(decode_faces):
    source = random.Random(0)
    mixed = []
    for number in range(300):
        whole = (JPEG, PNG)[number % 2]
        broken = bytearray(whole)
        for _ in range(source.choice([1, 3, 20])):
            # Half of the damage is in the headers, where decoders fail early.
            limit = 700 if number % 4 < 2 else len(broken)
            broken[source.randrange(min(limit, len(broken)))] = source.randrange(256)
        if number % 5 == 0:
            broken = broken[: source.randrange(len(broken))]
        mixed += [bytes(broken), whole]
    faces, readable = decode_faces(tf.constant(mixed))
    assert readable.numpy()[1::2].all()
    # Most are unreadable; otherwise this would test little.
    assert 50 < np.sum(~readable.numpy()[::2]) < 300
    clean, _ = decode_faces(tf.constant([JPEG, PNG]))
    np.testing.assert_array_equal(faces[1::2], np.tile(clean, (150, 1, 1, 1)))


def test_no_images(decode_faces):
    faces, readable = decode_faces(tf.constant([], tf.string))
    assert faces.shape == (0, 96, 96, 3)
    assert readable.shape == (0,)


def test_largest_acceptable_size(decode_faces):
    wide = encode("PNG", np.zeros((1, 4096, 3), np.uint8))
    assert decode_faces(tf.constant([wide]))[1].numpy().all()


def test_refused_images_are_never_decoded(decode_faces):
    # Only the header's claim decides: the pixels are complete.
    wide = encode("PNG", np.zeros((1, 4097, 3), np.uint8))
    assert not decode_faces(tf.constant([wide]))[1].numpy().any()


@pytest.mark.parametrize(
    ("encoded", "shape"),
    [
        pytest.param(JPEG, (96, 96, 3), id="jpeg"),
        pytest.param(encode("PNG", np.zeros((1, 8192, 3), np.uint8)), (1, 8192, 3), id="largest"),
        pytest.param(encode("PNG", np.zeros((1, 8193, 3), np.uint8)), (0, 0, 3), id="too large"),
        pytest.param(b"hello", (0, 0, 3), id="text"),
    ],
)
def test_frames(encoded, shape):
    frame = tf.function(image_ops.decode_frame)(tf.constant(encoded))
    assert frame.shape == shape
