"""Times of the same passes in PyTorch, eager and compiled, in lines of JSON as those of `cuda_times`.

torch_times.py DEVICE VOCABULARY DIMENSIONS BATCH CONTEXT ROUNDS; DEVICE is `cuda`, or `cpu` to try this script.
"""

import json
import sys
import time

import torch

WARM_UP = 5


class Clock:
    """Milliseconds of calls: by events of the device, on the processor by its clock."""

    def __init__(self, device):
        self.cuda = device == "cuda"
        self.ms = []

    def add(self, work):
        if self.cuda:
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            work()
            end.record()
            torch.cuda.synchronize()
            self.ms.append(start.elapsed_time(end))
        else:
            start = time.perf_counter()
            work()
            self.ms.append((time.perf_counter() - start) * 1e3)

    def show(self, dtype, kind, what):
        print(json.dumps({"dtype": dtype, "kind": kind, "what": what, "ms": self.ms[WARM_UP:]}), flush=True)


def show_graph(clock, forward, batches, places, dtype, kind, what):
    """Times of replays of `forward`, recorded as a graph: what its kernels take, without the host."""
    ids = batches[0].clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            forward(ids, places)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        forward(ids, places)
    for each in batches:
        ids.copy_(each)
        clock.add(graph.replay)
    clock.show(dtype, kind, what + ", a graph")


class Model(torch.nn.Module):
    def __init__(self, vocabulary, dimensions, context, sparse, norm=False, **where):
        super().__init__()
        self.token = torch.nn.Embedding(vocabulary, dimensions, sparse=sparse, **where)
        self.position = torch.nn.Embedding(context, dimensions, sparse=sparse, **where)
        self.norm = torch.nn.LayerNorm(dimensions, **where) if norm else torch.nn.Identity()

    def forward(self, ids, places):
        return self.norm(self.token(ids) + self.position(places))


def main():
    device = sys.argv[1]
    vocabulary, dimensions, batch, context, rounds = map(int, sys.argv[2:])
    places = torch.arange(context, device=device)
    ids = [torch.randint(vocabulary, (batch, context)) for _ in range(rounds + WARM_UP)]
    on_device = [batch.to(device) for batch in ids]
    for name, dtype in [("f32", torch.float32), ("bf16", torch.bfloat16), ("f16", torch.float16)]:
        where = {"device": device, "dtype": dtype}
        model = Model(vocabulary, dimensions, context, False, **where)
        with torch.no_grad():
            for what, forward in [("torch eager", model), ("torch.compile", torch.compile(model))]:
                # Of ids that are on the device, as our kernels have them; and of ids of the host, as our calls have them.
                for of, batches in [("", on_device), (" from host ids", ids)]:
                    clock = Clock(device)
                    for each in batches:
                        clock.add(lambda: forward(each.to(device), places))
                    clock.show(name, "forward", what + of)
                if device == "cuda":
                    show_graph(Clock(device), forward, on_device, places, name, "forward", what)
        for sparse, optimizer in [
            (False, torch.optim.AdamW(model.parameters(), lr=1e-3, fused=device == "cuda")),
            (True, None),
        ]:
            if sparse:
                model = Model(vocabulary, dimensions, context, True, **where)
                optimizer = torch.optim.SparseAdam(model.parameters(), lr=1e-3)
            what = "torch SparseAdam" if sparse else "torch AdamW"
            backward, step = Clock(device), Clock(device)
            for each in on_device:
                optimizer.zero_grad()
                output = model(each, places)
                grad = torch.ones_like(output)
                backward.add(lambda: output.backward(grad))
                step.add(optimizer.step)
            backward.show(name, "backward", what)
            step.show(name, "step", what)
        for what, wrap in [("torch eager", lambda model: model), ("torch.compile", torch.compile)]:
            model = Model(vocabulary, dimensions, context, False, norm=True, **where)
            # What was compiled before counts against how often a function may be.
            torch.compiler.reset()
            passes = wrap(model)
            forward, backward = Clock(device), Clock(device)
            for each in on_device:
                model.zero_grad()
                with torch.no_grad():
                    forward.add(lambda: passes(each, places))
                output = passes(each, places)
                grad = torch.ones_like(output)
                backward.add(lambda: output.backward(grad))
            forward.show(name, "norm", what)
            backward.show(name, "norm backward", what)
            if device == "cuda":
                with torch.no_grad():
                    show_graph(Clock(device), passes, on_device, places, name, "norm", what)


main()
