import tensorflow as tf

from models.export.saved_model import warmup_requests


def test_warmup_requests():
    requests = warmup_requests("tiny", 4)
    shapes = [
        (
            request.model_spec.name,
            request.model_spec.signature_name,
            {key: tf.make_ndarray(value).shape for key, value in request.inputs.items()},
        )
        for request in requests
    ]
    assert shapes == [
        ("tiny", "serving_default", {"faces": (1,)}),
        ("tiny", "serving_default", {"faces": (16,)}),
        ("tiny", "serving_tracks", {"faces": (1, 4)}),
        ("tiny", "serving_frames", {"frames": (1,)}),
    ]
    assert [r.SerializeToString(deterministic=True) for r in requests] == [
        r.SerializeToString(deterministic=True) for r in warmup_requests("tiny", 4)
    ]
