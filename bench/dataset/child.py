"""One figure of a peer: child.py loader|nanogpt FILE BATCH CONTEXT. Prints tokens per second and a sum of the tokens that it saw."""

import json
import sys
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

mode, file, batch, context = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
ids = np.fromfile(file, dtype=np.uint16)


class Windows(Dataset):
    """Windows as tensors in lists, made beforehand: the dataset of the book and of most courses."""

    def __init__(self, tokens: torch.Tensor) -> None:
        starts = range(0, len(tokens) - context, context)
        self.inputs = [tokens[i : i + context] for i in starts]
        self.targets = [tokens[i + 1 : i + context + 1] for i in starts]

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int):
        return self.inputs[index], self.targets[index]


def loader():
    dataset = Windows(torch.from_numpy(ids.astype(np.int64)))
    loading = DataLoader(dataset, batch_size=batch, shuffle=True, drop_last=True, num_workers=0)
    best, batches = float("inf"), len(loading)
    for _ in range(3):
        started = time.process_time()
        for _batch in loading:
            pass
        best = min(best, time.process_time() - started)
    seen = sorted(int(inputs[0, 0]) for inputs, _ in DataLoader(dataset, batch_size=1))
    expected = sorted(ids[: len(dataset) * context : context].tolist())
    return batches * batch * context / best, int(seen == expected), 1


def nanogpt():
    data = np.memmap(file, dtype=np.uint16, mode="r")

    def get_batch():
        ix = torch.randint(len(data) - context, (batch,))
        x = torch.stack([torch.from_numpy((data[i : i + context]).astype(np.int64)) for i in ix])
        y = torch.stack([torch.from_numpy((data[i + 1 : i + 1 + context]).astype(np.int64)) for i in ix])
        return x, y

    count, best = max(50, 2_000_000 // (batch * context)), float("inf")
    for _ in range(3):
        started = time.process_time()
        for _ in range(count):
            get_batch()
        best = min(best, time.process_time() - started)
    x, y = get_batch()
    return count * batch * context / best, int(bool((x[:, 1:] == y[:, :-1]).all())), 1


rate, checksum, expected = {"loader": loader, "nanogpt": nanogpt}[mode]()
print(json.dumps({"rate": rate, "checksum": checksum, "expected": expected}))
