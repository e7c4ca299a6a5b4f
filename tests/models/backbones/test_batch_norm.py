import keras

from models.backbones import batch_norm


def test_every_layer_gets_the_momentum():
    layers = [keras.layers.BatchNormalization() for _ in range(2)]
    batch_norm.set_momentum(keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(2)]))
    assert [layer.momentum for layer in layers] == [batch_norm.MOMENTUM] * 2
