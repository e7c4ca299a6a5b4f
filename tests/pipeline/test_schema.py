from pipeline import schema


def test_columns_become_text_features_of_every_video():
    resolved = schema.resolve(["age"])
    (feature,) = (feature for feature in resolved.feature if feature.name == "slice/age")
    assert feature.presence.min_fraction == 1
    assert [dim.size for dim in feature.shape.dim] == [1]
    assert len(resolved.feature) == len(schema.resolve([]).feature) + 1


def test_videos_can_be_sliced_by_text_but_not_by_pictures():
    names = schema.text_features(schema.resolve(["age"]))
    assert {"slice/age", "slice/method", "dataset", "compression"} <= names
    assert "face/image" not in names
    assert "video/fps" not in names


def test_an_equal_schema_is_left_alone(tmp_path):
    path = tmp_path / "schema" / "schema.pbtxt"
    schema.write(schema.resolve([]), path)
    written = path.stat().st_mtime_ns
    schema.write(schema.resolve([]), path)
    assert path.stat().st_mtime_ns == written
    schema.write(schema.resolve(["age"]), path)
    assert "slice/age" in path.read_text()
