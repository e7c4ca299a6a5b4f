"""The message class of tf.Example, without TensorFlow, whose import costs seconds and half a GB.

Fields as in tensorflow/core/example/{example,feature}.proto (github.com/tensorflow/tensorflow);
in a pool of its own, so that TensorFlow's definition may stand beside it.
"""

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "bytes_list": ("BytesList", _Field.TYPE_BYTES),
    "float_list": ("FloatList", _Field.TYPE_FLOAT),
    "int64_list": ("Int64List", _Field.TYPE_INT64),
}


@functools.cache
def example_class() -> Any:
    """The class of `tensorflow.Example` messages."""
    file = descriptor_pb2.FileDescriptorProto(
        name="unmask/example.proto", package="tensorflow", syntax="proto3"
    )
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (field, (kind, value_type)) in enumerate(_KINDS.items(), start=1):
        values = file.message_type.add(name=kind)
        values.field.add(name="value", number=1, type=value_type, label=_Field.LABEL_REPEATED)
        _add_message(feature, field, number, kind, oneof_index=0)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    _add_message(entry, "value", 2, "Feature")
    _add_message(features, "feature", 1, "Features.FeatureEntry", label=_Field.LABEL_REPEATED)
    _add_message(file.message_type.add(name="Example"), "features", 1, "Features")

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("tensorflow.Example")
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def _add_message(
    message: Any,
    name: str,
    number: int,
    kind: str,
    *,
    label: int = _Field.LABEL_OPTIONAL,
    **more: Any,
) -> None:
    message.field.add(
        name=name,
        number=number,
        type=_Field.TYPE_MESSAGE,
        type_name=f".tensorflow.{kind}",
        label=label,
        **more,
    )
