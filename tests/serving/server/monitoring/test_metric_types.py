from serving.server.monitoring.metric_types import Counter, Histogram, exponential_buckets


def test_a_histogram_has_tensorflow_servings_buckets():
    # PrometheusExporterTest.Histogram of prometheus_exporter_test.cc.
    histogram = Histogram(":h", "", ("status",), exponential_buckets(1, 2, 10))
    for value in (2, 20, 200):
        histogram.add(("good",), value)
    buckets = {s.labels["le"]: s.value for s in histogram.metric().samples if "le" in s.labels}
    limits = ["1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "+Inf"]
    assert buckets == dict(zip(limits, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], strict=True))
    assert [s.value for s in histogram.metric().samples[-2:]] == [222, 3]


def test_a_counter_keeps_its_name():
    # PrometheusExporterTest.Counter of prometheus_exporter_test.cc.
    counter = Counter(":test:path:total", "", ("name",))
    counter.add(("abc",), 2)
    (sample,) = counter.metric().samples
    assert (sample.name, sample.labels, sample.value) == (":test:path:total", {"name": "abc"}, 2)
