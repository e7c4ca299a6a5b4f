import inspect

import pytest

from serving.client.async_client import AsyncClient
from serving.client.base_client import BaseClient
from serving.client.client import Client

METHODS = sorted(name for name in vars(Client) if not name.startswith("_"))


def test_both_clients_take_the_same_arguments():
    assert Client.__init__ is AsyncClient.__init__ is BaseClient.__init__


@pytest.mark.parametrize("name", METHODS)
def test_both_clients_have_the_same_methods(name):
    blocking, asynchronous = getattr(Client, name), getattr(AsyncClient, name)
    assert [
        (parameter.name, parameter.default)
        for parameter in inspect.signature(blocking).parameters.values()
    ] == [
        (parameter.name, parameter.default)
        for parameter in inspect.signature(asynchronous).parameters.values()
    ]
    assert inspect.iscoroutinefunction(asynchronous) or inspect.isasyncgenfunction(asynchronous)


def test_there_are_methods():
    assert {"predict", "predict_many", "predict_stream", "close"} <= set(METHODS)
    assert sorted(name for name in vars(AsyncClient) if not name.startswith("_")) == METHODS
