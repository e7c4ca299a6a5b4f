import dataclasses
import pathlib

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

import data
from data import contract
from data.contract import Annotation, FaceCrop

SCHEMA = text_format.Parse(
    pathlib.Path(data.__file__).with_name("schema.pbtxt").read_text(), schema_pb2.Schema()
)


def test_the_schema_says_what_the_table_says():
    types = {"string": "BYTES", "int64": "INT", "float32": "FLOAT"}
    assert [feature.name for feature in SCHEMA.feature] == list(contract.FEATURES)
    for in_schema in SCHEMA.feature:
        feature = contract.FEATURES[in_schema.name]
        assert schema_pb2.FeatureType.Name(in_schema.type) == types[feature.dtype], feature
        if feature.is_of_faces or feature.count is None:
            assert in_schema.value_count.min == (feature.count or 1), feature
        else:
            assert [dim.size for dim in in_schema.shape.dim] == [feature.count], feature
        required = (in_schema.presence.min_fraction, in_schema.presence.min_count) == (1, 1)
        assert required == (feature.name != "face/image"), feature
        has_domain = in_schema.WhichOneof("domain_info") is not None
        assert has_domain == (feature.name in ("label", "face/usable")), feature


def test_the_table_names_every_attribute_once():
    attributes = [(f.is_of_faces, f.attribute) for f in contract.FEATURES.values()]
    assert len(attributes) == len(set(attributes))
    faces = {attribute for is_of_faces, attribute in attributes if is_of_faces}
    assert faces == {field.name for field in dataclasses.fields(FaceCrop)}
    said = {
        attribute.removeprefix("annotation.")
        for _, attribute in attributes
        if attribute.startswith("annotation.")
    }
    assert said == {field.name for field in dataclasses.fields(Annotation)} - {"slices"}
