"""Writes testdata/embedding/learning.json: gradients and steps of torch, for the tests of crates/embedding.

    python3 scripts/make-golden-learning.py        needs torch; any recent version gives the same numbers to a few units in the last place

Each case is a model of a token table, learned positions and, in some, token types and a layer normalisation; ids, gradients of the outputs,
and the tables after each step.
"""

import json
import pathlib

import torch
from torch import nn

VOCAB, CONTEXT, DIMENSIONS, TYPES = 11, 4, 3, 2
PADDING = 5
STEPS = 5
EPSILON = 1e-5


class Model(nn.Module):
    def __init__(self, *, sparse, everything, scale):
        super().__init__()
        self.wte = nn.Embedding(VOCAB, DIMENSIONS, sparse=sparse, padding_idx=PADDING)
        self.wpe = nn.Embedding(CONTEXT, DIMENSIONS, sparse=sparse)
        self.types = nn.Embedding(TYPES, DIMENSIONS, sparse=sparse) if everything else None
        self.norm = nn.LayerNorm(DIMENSIONS, eps=EPSILON) if everything else None
        self.scale = scale

    def forward(self, ids, types):
        out = self.wte(ids) * self.scale
        if self.types is not None:
            out = out + self.types(types)
        out = out + self.wpe(torch.arange(ids.shape[1]))
        return out if self.norm is None else self.norm(out)


def flat(tensor):
    return tensor.detach().to_dense().flatten().tolist()


def decayed(optimizer, parameters, rate):
    """SparseAdam has no weight decay: the rows that have a gradient are decayed before its step, as AdamW does."""
    if rate:
        with torch.no_grad():
            for parameter in parameters:
                rows = parameter.grad.coalesce().indices()[0]
                parameter[rows] *= rate
    optimizer.step()


def case(name, make, *, sparse, everything=False, scale=1.0, decay=0.0, clip=None):
    generator = torch.Generator().manual_seed(len(name))
    model = Model(sparse=sparse, everything=everything, scale=scale)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        model.wte.weight[PADDING] = 0
    optimizer = make(model.parameters())
    steps, start = [], [flat(parameter) for parameter in model.parameters()]
    for _ in range(STEPS):
        ids = torch.randint(VOCAB, (2, CONTEXT), generator=generator)
        types = torch.randint(TYPES, (2, CONTEXT), generator=generator)
        grad = torch.randn(2, CONTEXT, DIMENSIONS, generator=generator)
        out = model(ids, types)
        out.backward(grad)
        grads = [flat(parameter.grad) for parameter in model.parameters()]
        norm = {} if clip is None else {'norm': torch.nn.utils.clip_grad_norm_(model.parameters(), clip).item()}
        decayed(optimizer, model.parameters(), 1 - decay if decay else 0)
        optimizer.zero_grad()
        steps.append({
            'ids': ids.flatten().tolist(),
            'types': types.flatten().tolist(),
            'outputGrad': grad.flatten().tolist(),
            'output': flat(out),
            'grads': grads,
            **norm,
            'tables': [flat(parameter) for parameter in model.parameters()],
        })
    largest = {} if clip is None else {'maxNorm': clip}
    return {'name': name, 'everything': everything, 'scale': scale, **largest, 'start': start, 'steps': steps}


cases = [
    case('sparse adamW', lambda p: torch.optim.SparseAdam(list(p), lr=0.05), sparse=True),
    case('sparse adamW with decay', lambda p: torch.optim.SparseAdam(list(p), lr=0.05, betas=(0.8, 0.95), eps=1e-4), sparse=True, scale=1.5, decay=0.05 * 0.1),
    case('dense adamW', lambda p: torch.optim.AdamW(p, lr=0.05), sparse=False, everything=True),
    case('dense adamW with decay', lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1), sparse=False, scale=1.5),
    case('sparse sgd', lambda p: torch.optim.SGD(p, lr=0.1), sparse=True),
    case('dense sgd', lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01), sparse=False, everything=True),
    case('dense sgd with nesterov', lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), sparse=False),
    case('sparse sgd, clipped', lambda p: torch.optim.SGD(p, lr=0.1), sparse=True, clip=4.0),
    case('dense adamW, clipped', lambda p: torch.optim.AdamW(p, lr=0.05), sparse=False, everything=True, clip=8.0),
]
for case in cases:
    assert any(PADDING in step['ids'] for step in case['steps']), case['name']
path = pathlib.Path(__file__).parent.parent / 'testdata/embedding/learning.json'
facts = {'torch': torch.__version__.split('+')[0], 'vocabSize': VOCAB, 'contextLength': CONTEXT, 'dimensions': DIMENSIONS, 'tokenTypes': TYPES, 'paddingId': PADDING, 'epsilon': EPSILON}
head = json.dumps(facts, indent=1).removesuffix('\n}')
lines = ',\n'.join('  ' + json.dumps(case, separators=(',', ':')) for case in cases)
path.write_text(f'{head},\n "cases": [\n{lines}\n ]\n}}\n')
