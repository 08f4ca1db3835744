"""Times of the peers in Python: child.py VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS THREADS, the lines of crates/embedding/examples/passes.rs.

The kinds of a group take turns, and every round has other ids.
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
torch.set_num_threads(THREADS)


class Model(nn.Module):
    def __init__(self, sparse: bool = False) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, DIMENSIONS, sparse=sparse)
        self.position = nn.Embedding(CONTEXT, DIMENSIONS, sparse=sparse)
        self.register_buffer("places", torch.arange(CONTEXT))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.token(ids) + self.position(self.places)


Pass = Callable[[numpy.ndarray], object]


def forwards() -> dict[str, Pass]:
    model = Model().eval()
    compiled = torch.compile(model)
    token, position = model.token.weight.detach().numpy(), model.position.weight.detach().numpy()
    out = numpy.empty((BATCH, CONTEXT, DIMENSIONS), numpy.float32)

    def eager(ids: numpy.ndarray) -> None:
        with torch.no_grad():
            model(torch.from_numpy(ids))

    def fused(ids: numpy.ndarray) -> None:
        with torch.no_grad():
            compiled(torch.from_numpy(ids))

    def take(ids: numpy.ndarray) -> None:
        numpy.take(token, ids, axis=0, out=out, mode="clip")
        numpy.add(out, position, out=out)

    return {"torch": eager, "torch.compile": fused, "numpy, out": take}


def learning() -> dict[str, Pass]:
    grad = torch.randn(BATCH, CONTEXT, DIMENSIONS)

    def one(sparse: bool) -> Pass:
        model = Model(sparse)
        make = torch.optim.SparseAdam if sparse else torch.optim.AdamW
        optimizer = make(list(model.parameters()), lr=1e-3)

        def step(ids: numpy.ndarray) -> None:
            model(torch.from_numpy(ids)).backward(grad)
            optimizer.step()
            optimizer.zero_grad()

        return step

    return {"torch, sparse": one(True), "torch, dense": one(False)}


generator = numpy.random.default_rng(1)
for group in (forwards, learning):
    passes = group()
    times: dict[str, list[float]] = {what: [] for what in passes}
    for number in range(ROUNDS + 2):
        ids = generator.integers(0, VOCABULARY, (BATCH, CONTEXT), dtype=numpy.int64)
        for what, run in passes.items():
            start = time.perf_counter()
            run(ids)
            spent = (time.perf_counter() - start) * 1e3
            if number >= 2:
                times[what].append(spent)
    for what, ms in times.items():
        print(json.dumps({"what": what, "ms": ms}), flush=True)
    del passes
