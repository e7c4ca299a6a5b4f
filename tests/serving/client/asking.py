"""Asks about faces over gRPC or REST, blocking or not."""

import asyncio

import pytest

from serving.client.async_client import AsyncClient
from serving.client.client import Client


def ask_blocking(target, video, model="tiny", **options):
    with Client(target, model, **options) as client:
        return client.predict_faces("clip.mp4", video)


def ask_async(target, video, model="tiny", **options):
    async def ask():
        async with AsyncClient(target, model, **options) as client:
            return await client.predict_faces("clip.mp4", video)

    return asyncio.run(ask())


either_client = pytest.mark.parametrize("ask", [ask_blocking, ask_async])
