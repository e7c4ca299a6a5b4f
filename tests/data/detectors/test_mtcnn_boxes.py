"""Arithmetic of boxes in a graph; test_mtcnn holds the whole of MTCNN to the `mtcnn` package."""

import numpy as np
import pytest
import tensorflow as tf

from data.detectors import mtcnn_boxes

# Of the three the second overlaps the first by two thirds of the union; the third is inside it.
BOXES = tf.constant([[[0, 0, 10, 10], [2, 0, 12, 10], [0, 0, 10, 5]]], tf.float32)
SCORES = tf.constant([[0.9, 0.8, 0.7]], tf.float32)


def test_the_best_come_first():
    shuffled = tf.constant([[0.2, 0.9, 0.5]], tf.float32)
    boxes, scores, numbers = mtcnn_boxes.sort(BOXES, shuffled, tf.constant([[1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(scores, [[0.9, 0.5, 0.2]])
    np.testing.assert_array_equal(numbers, [[2.0, 3.0, 1.0]])
    np.testing.assert_array_equal(boxes[0, 0], BOXES[0, 1])


def test_a_face_in_front_comes_before_a_surer_one_that_is_smaller():
    boxes = tf.constant([[[0, 0, 30, 30], [50, 0, 150, 100], [0, 50, 40, 90]]], tf.float32)
    scores = tf.constant([[0.999, 0.96, 0.0]], tf.float32)
    kept, confidences = mtcnn_boxes.most_salient(boxes, scores, 1)
    np.testing.assert_array_equal(kept, boxes[:, 1:2])
    np.testing.assert_allclose(confidences, [[0.96]])
    kept, confidences = mtcnn_boxes.most_salient(boxes, scores, 4)
    np.testing.assert_allclose(confidences, [[0.96, 0.999, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("threshold", "over_smaller", "kept"),
    [
        pytest.param(0.7, False, [0.9, 0.8, 0.7], id="none overlaps so much"),
        pytest.param(0.6, False, [0.9, 0.0, 0.7], id="the second of the union"),
        pytest.param(0.9, True, [0.9, 0.8, 0.0], id="the third of the smaller"),
    ],
)
def test_suppress(threshold, over_smaller, kept):
    scores = mtcnn_boxes.suppress(BOXES, SCORES, threshold, over_smaller=over_smaller)
    np.testing.assert_allclose(scores, [kept])


def test_nms_keeps_the_best_of_boxes_that_overlap():
    boxes, scores = mtcnn_boxes.nms(BOXES, SCORES, 0.6, 3, min_score=0.75)
    np.testing.assert_allclose(scores, [[0.9, 0.0, 0.0]])
    np.testing.assert_array_equal(boxes[0, 0], BOXES[0, 0])


def test_square_boxes_share_the_centre():
    np.testing.assert_array_equal(
        mtcnn_boxes.square(tf.constant([[[0.0, 0.0, 10.0, 4.0]]])), [[[0.0, -3.0, 10.0, 7.0]]]
    )


def test_sides_count_both_border_pixels():
    np.testing.assert_array_equal(mtcnn_boxes.sides(BOXES[:, :1]), [[[11.0, 11.0, 11.0, 11.0]]])
