import tensorflow as tf

from models.export import warmup_requests


def test_warmup_requests():
    requests = warmup_requests("tiny", 4)
    shapes = [
        (
            request.model_spec.name,
            request.model_spec.signature_name,
            tf.make_ndarray(request.inputs["faces"]).shape,
        )
        for request in requests
    ]
    assert shapes == [
        ("tiny", "serving_default", (1,)),
        ("tiny", "serving_default", (16,)),
        ("tiny", "serving_tracks", (1, 4)),
    ]
    assert [r.SerializeToString(deterministic=True) for r in requests] == [
        r.SerializeToString(deterministic=True) for r in warmup_requests("tiny", 4)
    ]
