"""Decodes and resizes images in graphs; an unreadable image does not fail the others."""

import tensorflow as tf

from data.contract import JPEG_START, PNG_START

MAX_FACE_SIDE = 4096
"""Pixels a side: a face whose header claims more is unreadable."""

MAX_FRAME_SIDE = 8192
"""Pixels a side: a frame whose header claims more is unreadable."""

# Width and height follow signature, length and type of IHDR, which must come first (PNG
# specification, 11.2.2).
_PNG_SIZE_AT = 16


def header_size(encoded: tf.Tensor) -> tf.Tensor:
    """Reads the height and width that an image's header claims, without decoding it.

    Args:
        encoded: string scalar.

    Returns:
        int32 [2].

    Raises:
        tf.errors.InvalidArgumentError: when run, if it is neither JPEG nor PNG.

    Example:
        >>> header_size(tf.io.encode_png(tf.zeros([4, 6, 3], tf.uint8))).numpy()
        array([4, 6], dtype=int32)
    """
    is_jpeg = tf.strings.substr(encoded, 0, len(JPEG_START)) == JPEG_START

    def png_size() -> tf.Tensor:
        is_png = tf.strings.substr(encoded, 0, len(PNG_START)) == PNG_START
        with tf.control_dependencies([tf.debugging.Assert(is_png, ["neither JPEG nor PNG"])]):
            # decode_raw fails where the file ends within the header.
            size = tf.io.decode_raw(
                tf.strings.substr(encoded, _PNG_SIZE_AT, 8), tf.int32, little_endian=False
            )
        return tf.ensure_shape(size, [2])[::-1]

    return tf.cond(is_jpeg, lambda: tf.image.extract_jpeg_shape(encoded)[:2], png_size)


def decode(encoded: tf.Tensor, max_side: int) -> tf.Tensor:
    """Decodes a JPEG or PNG whose header claims an acceptable size.

    Args:
        encoded: string scalar.
        max_side: pixels; a header that claims more is refused before decoding.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        tf.errors.InvalidArgumentError: when run, if it is no image, too large or cut off.
    """
    size = header_size(encoded)
    fits = tf.reduce_all((size >= 1) & (size <= max_side))
    with tf.control_dependencies([tf.debugging.Assert(fits, ["refused size", size])]):
        encoded = tf.identity(encoded)
    is_jpeg = tf.strings.substr(encoded, 0, len(JPEG_START)) == JPEG_START
    pixels = tf.cond(
        is_jpeg,
        # The default method depends on the build of TensorFlow and is less exact.
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(encoded, channels=3),
    )
    return tf.ensure_shape(pixels, [None, None, 3])


def resize(pixels: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resizes an image to a network's input: bilinear, antialiased.

    Args:
        pixels: uint8 [height, width, 3].
        image_size: pixels a side of the result.

    Returns:
        float32 [image_size, image_size, 3], 0 to 255.
    """
    resized = tf.image.resize(pixels, [image_size, image_size], antialias=True)
    return tf.ensure_shape(resized, [image_size, image_size, 3])


def decode_faces(encoded: tf.Tensor, image_size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes and resizes faces; an unreadable one does not fail the others.

    An error of TensorFlow's decoders fails the whole call, and with it every request that a
    server merged into it. Therefore a tf.data pipeline inside the graph decodes: `ignore_errors`
    leaves out the faces that fail, and row numbers say which are left.

    Args:
        encoded: string [n], JPEG or PNG; n may be 0.
        image_size: pixels a side of the result.

    Returns:
        faces: float32 [n, image_size, image_size, 3], 0 to 255; zeros if unreadable.
        readable: bool [n].
    """

    def decode_row(row: tf.Tensor, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return row, resize(decode(image, MAX_FACE_SIDE), image_size)

    count = tf.shape(encoded)[0]
    shape = [image_size, image_size, 3]
    decoded = (
        tf.data.Dataset.from_tensor_slices((tf.range(count), encoded))
        .map(decode_row, num_parallel_calls=tf.data.AUTOTUNE)
        .ignore_errors(log_warning=False)
        # One more row, dropped below, so that the batch is never empty.
        .concatenate(tf.data.Dataset.from_tensors((count, tf.zeros(shape))))
        .batch(tf.cast(count, tf.int64) + 1)
    )
    rows, faces = decoded.get_single_element()
    rows = rows[:, tf.newaxis]
    faces = tf.scatter_nd(rows, faces, [count + 1, *shape])[:count]
    readable = tf.scatter_nd(rows, tf.ones_like(rows[:, 0], tf.int32), [count + 1])[:count] > 0
    return faces, readable


def decode_frame(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes one whole frame.

    Args:
        encoded: string scalar, JPEG or PNG.

    Returns:
        uint8 [height, width, 3]; [0, 0, 3] if it is unreadable.
    """
    frames = (
        tf.data.Dataset.from_tensors(encoded)
        .map(lambda frame: decode(frame, MAX_FRAME_SIDE))
        .ignore_errors(log_warning=False)
        .concatenate(tf.data.Dataset.from_tensors(tf.zeros([0, 0, 3], tf.uint8)))
        .take(1)
    )
    return frames.get_single_element()
