"""Requests merged along dimension 0, run as one, and taken apart again.

TensorFlow's own batcher inside the graph (`BatchFunction`) is not used. Its queue, with its threads
and the captured graph, lives in the process's resource manager and cannot be deleted, so that every
version ever served would stay in memory. It cannot pad. And one failing request fails all requests
of its batch.
"""

from collections.abc import Sequence
from typing import Protocol

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.scheduler import BatchQueue, BatchScheduler
from serving.server.errors import StatusError, invalid_argument

Arrays = Sequence[npt.NDArray]


class ArrayFunction(Protocol):
    """Computes outputs from inputs, all of them arrays; may be called by many threads.

    Attributes:
        outputs: names of the outputs, in the order of the results.
        dtypes: their types.
    """

    outputs: tuple[str, ...]
    dtypes: list[tf.DType]

    def __call__(self, arrays: Arrays) -> list[npt.NDArray]:
        """Returns one array for each output."""


class BatchedFunction:
    """A function whose concurrent calls are merged; called like the function itself.

    Messages are TensorFlow Serving's (`batching_session.cc`, `batching_util.h`). It fails every
    request of a batch that it cannot merge or run. Here, requests that cannot be merged run
    apart, and the requests of a failed batch run again one by one.

    Args:
        function: computes the outputs.
        parameters: how calls are merged.
        scheduler: shared with other functions.
    """

    def __init__(
        self,
        function: ArrayFunction,
        parameters: BatchingParameters,
        scheduler: BatchScheduler,
    ) -> None:
        self.outputs = function.outputs
        self.dtypes = function.dtypes
        self._function = function
        self._parameters = parameters
        self._queue: BatchQueue[Arrays, list[npt.NDArray]] = BatchQueue(
            scheduler, parameters, self._process
        )

    def __call__(self, arrays: Arrays) -> list[npt.NDArray]:
        """Runs the signature, together with other threads' calls.

        Args:
            arrays: one for each input, of one size in dimension 0.

        Returns:
            One array for each output.

        Raises:
            tf.errors.OpError: an operation failed.
            StatusError: INVALID_ARGUMENT, inputs cannot be batched or are too large;
                FAILED_PRECONDITION, outputs cannot be taken apart; UNAVAILABLE, the queue is
                full.
        """
        return self._queue.run(arrays, _batch_size(arrays))

    def _process(self, requests: Sequence[Arrays]) -> list[list[npt.NDArray] | Exception]:
        groups: dict[tuple, list[int]] = {}
        for position, arrays in enumerate(requests):
            groups.setdefault(tuple(map(self._shape_key, arrays)), []).append(position)
        results: list[list[npt.NDArray] | Exception] = [[]] * len(requests)
        for positions in groups.values():
            answers = self._run([requests[position] for position in positions])
            for position, answer in zip(positions, answers, strict=True):
                results[position] = answer
        return results

    def _shape_key(self, array: npt.NDArray) -> tuple:
        """Equal for arrays that can be merged; an empty array has no element to pad with."""
        padded = self._parameters.pad_variable_length_inputs and array.size
        return (array.ndim,) if padded else array.shape[1:]

    def _run(self, requests: Sequence[Arrays]) -> Sequence[list[npt.NDArray] | Exception]:
        try:
            return self._run_merged(requests)
        except StatusError as error:
            return [error] * len(requests)
        except tf.errors.OpError as error:
            if len(requests) == 1:
                return [error]
        return [answer for request in requests for answer in self._run([request])]

    def _run_merged(self, requests: Sequence[Arrays]) -> list[list[npt.NDArray]]:
        sizes = [len(arrays[0]) for arrays in requests]
        rows = sum(sizes)
        filling = self._parameters.padded_size(rows) - rows if rows else 0
        columns = zip(*requests, strict=True)
        outputs = self._function([_merge(column, filling) for column in columns])
        problem = ""
        if any(output.ndim == 0 for output in outputs):
            problem = "Batched output tensor has 0 dimensions"
        elif any(len(output) != rows + filling for output in outputs):
            problem = (
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors"
            )
        if problem:
            raise StatusError(grpc.StatusCode.FAILED_PRECONDITION, problem)
        ends = np.cumsum(sizes)
        return [
            [output[end - size : end] for output in outputs]
            for size, end in zip(sizes, ends, strict=True)
        ]


def _batch_size(arrays: Arrays) -> int:
    """Rows of a request."""
    if not arrays:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in arrays):
        raise invalid_argument("Batching Run() input tensors must have at least one dimension")
    if len({len(array) for array in arrays}) > 1:
        raise invalid_argument("Batching Run() input tensors must have equal 0th-dimension size")
    return len(arrays[0])


def _merge(arrays: Sequence[npt.NDArray], filling: int) -> npt.NDArray:
    """Puts one input of several requests together, padded to the largest shape.

    Args:
        arrays: the input of each request, of one rank.
        filling: rows to add, copies of the first row of the last request that has any.
    """
    shape = tuple(max(sizes) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True))
    padded = [array if array.shape[1:] == shape else _pad(array, shape) for array in arrays]
    if filling:
        last = next(array for array in reversed(padded) if len(array))
        padded.append(np.repeat(last[:1], filling, axis=0))
    return np.concatenate(padded) if len(padded) > 1 else padded[0]


def _pad(array: npt.NDArray, shape: tuple[int, ...]) -> npt.NDArray:
    """Fills every row up to a shape with the array's first element, as TensorFlow Serving does."""
    padded = np.full((len(array), *shape), array.flat[0], array.dtype)
    padded[tuple(slice(size) for size in array.shape)] = array
    return padded
