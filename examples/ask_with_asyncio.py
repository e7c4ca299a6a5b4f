"""Asks a model server about a folder of videos, some at a time, in an event loop.

python examples/ask_with_asyncio.py clips --server localhost:8500 --model xception
"""

import argparse
import asyncio

from serving import AsyncClient


async def ask(folder: str, server: str, model: str) -> None:
    """Prints each answer as soon as it and those before it are there."""
    async with AsyncClient(server, model) as client:
        async for prediction in client.predict_directory(folder, concurrency=4):
            print(f"{prediction.path}: {prediction.verdict.value}", prediction.reason)


def main() -> None:
    """Asks about all videos in a folder, at any depth."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder")
    parser.add_argument("--server", default="localhost:8500")
    parser.add_argument("--model", default="xception")
    arguments = parser.parse_args()
    asyncio.run(ask(arguments.folder, arguments.server, arguments.model))


if __name__ == "__main__":
    main()
