import tensorflow as tf

from serving.server.servables import warmup
from tests.serving.server.servables.warmup_records import predict_log, write_records


def test_requests_are_read_in_order(tmp_path):
    write_records(tmp_path, [predict_log(a=[[float(i), 0.0]]) for i in range(3)])
    inputs = [log.predict_log.request.inputs["a"] for log in warmup.read(tmp_path)]
    assert [tf.make_ndarray(value)[0, 0] for value in inputs] == [0, 1, 2]


def test_a_version_may_have_none(tmp_path):
    assert list(warmup.read(tmp_path)) == []
