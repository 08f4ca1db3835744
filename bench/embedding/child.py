"""Times of the peers in Python: child.py VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS THREADS, the lines of crates/embedding/examples/passes.rs.

The kinds of a group take turns, and every round has other ids. Tables, ids and gradients are those of the other programs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy
import torch
from torch import nn

VOCABULARY, DIMENSIONS, BATCH, CONTEXT, ROUNDS, THREADS = map(int, sys.argv[1:])
LENGTH = BATCH * CONTEXT
torch.set_num_threads(THREADS)


def table_of(rows: int, seed: int) -> numpy.ndarray:
    hashed = (numpy.arange(rows * DIMENSIONS, dtype=numpy.uint32) + numpy.uint32(seed)) * numpy.uint32(2_654_435_761)
    return ((hashed >> 8).astype(numpy.float32) / 16_777_216 - numpy.float32(0.5)).reshape(rows, DIMENSIONS)


def ids_of(number: int) -> numpy.ndarray:
    x = (numpy.arange(LENGTH, dtype=numpy.uint32) + numpy.uint32(number * 1_000_003 + 1)) * numpy.uint32(2_246_822_519)
    x = (x ^ x >> 15) * numpy.uint32(3_266_489_917)
    return ((x ^ x >> 16) % VOCABULARY).astype(numpy.int64).reshape(BATCH, CONTEXT)


def check_of(values: numpy.ndarray) -> dict[str, int]:
    bits = values.reshape(-1).view(numpy.uint32)
    return {"check": int((bits * (2 * numpy.arange(bits.size, dtype=numpy.uint32) + 1)).sum(dtype=numpy.uint32))}


class Model(nn.Module):
    def __init__(self, sparse: bool = False) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, DIMENSIONS, sparse=sparse, _weight=torch.from_numpy(table_of(VOCABULARY, 0)))
        self.position = nn.Embedding(CONTEXT, DIMENSIONS, sparse=sparse, _weight=torch.from_numpy(table_of(CONTEXT, 1)))
        self.register_buffer("places", torch.arange(CONTEXT))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.token(ids) + self.position(self.places)


# A pass does what it does with the ids of a round, and says what it came to where that is asked for.
Pass = Callable[[numpy.ndarray, bool], object]


def forwards() -> dict[str, Pass]:
    model = Model().eval()
    compiled = torch.compile(model)
    token, position = model.token.weight.detach(), model.position.weight.detach()
    out = torch.empty((BATCH, CONTEXT, DIMENSIONS))
    array = numpy.empty((BATCH, CONTEXT, DIMENSIONS), numpy.float32)

    def by(call: Callable[[torch.Tensor], torch.Tensor]) -> Pass:
        def one(ids: numpy.ndarray, ask: bool) -> object:
            with torch.no_grad():
                result = call(torch.from_numpy(ids))
                return check_of(result.numpy()) if ask else None

        return one

    def into(ids: torch.Tensor) -> torch.Tensor:
        torch.index_select(token, 0, ids.view(-1), out=out.view(LENGTH, DIMENSIONS))
        return out.add_(position)

    def fresh(ids: numpy.ndarray, ask: bool) -> object:
        result = token.numpy()[ids] + position.numpy()
        return check_of(result) if ask else None

    def take(ids: numpy.ndarray, ask: bool) -> object:
        numpy.take(token.numpy(), ids, axis=0, out=array, mode="clip")
        numpy.add(array, position.numpy(), out=array)
        return check_of(array) if ask else None

    return {
        "torch": by(model),
        "torch, out": by(into),
        "torch.compile": by(compiled),
        "numpy": fresh,
        "numpy, out": take,
    }


def learning() -> dict[str, Pass]:
    grad = torch.from_numpy((numpy.arange(LENGTH * DIMENSIONS) % 97).astype(numpy.float32) / 97 - numpy.float32(0.5))
    grad = grad.view(BATCH, CONTEXT, DIMENSIONS)

    def one(sparse: bool) -> Pass:
        model = Model(sparse)
        make = torch.optim.SparseAdam if sparse else torch.optim.AdamW
        optimizer = make(list(model.parameters()), lr=1e-3)

        def step(ids: numpy.ndarray, ask: bool) -> object:
            model(torch.from_numpy(ids)).backward(grad)
            optimizer.step()
            optimizer.zero_grad()
            return {"values": model.token.weight.detach()[ids.reshape(-1)[:4]].view(-1).tolist()} if ask else None

        return step

    return {"torch, sparse": one(True), "torch, dense": one(False)}


for group in (forwards, learning):
    passes = group()
    times: dict[str, list[float]] = {what: [] for what in passes}
    results: dict[str, object] = {}
    for number in range(ROUNDS + 2):
        ids = ids_of(number)
        for what, run in passes.items():
            if number == 0:
                results[what] = run(ids, True)
                continue
            start = time.perf_counter()
            run(ids, False)
            spent = (time.perf_counter() - start) * 1e3
            if number >= 2:
                times[what].append(spent)
    for what, ms in times.items():
        print(json.dumps({"what": what, "ms": ms} | results[what]), flush=True)
    del passes
