#!/usr/bin/env python3
"""Makes testdata/dataset/batches.jsonl with PyTorch: the batches of a dataset of sliding windows.

    python -m venv venv && venv/bin/pip install torch==2.15.0
    venv/bin/python scripts/make-golden-windows.py [--check]

The dataset is the one that books and courses use: `inputs = ids[i : i + length]`, `targets = ids[i + 1 : i + length + 1]` for i in
`range(0, len(ids) - length, stride)`. A line is a configuration and the batches that `DataLoader` gives for it, with
`DistributedSampler(shuffle=False)` where there are several ranks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

VERSION = "2.15.0"
OUT = Path(__file__).resolve().parent.parent / "testdata/dataset/batches.jsonl"


class Windows(Dataset):
    def __init__(self, ids: list[int], length: int, stride: int) -> None:
        starts = range(0, len(ids) - length, stride)
        self.inputs = [torch.tensor(ids[i : i + length]) for i in starts]
        self.targets = [torch.tensor(ids[i + 1 : i + length + 1]) for i in starts]

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.inputs[index], self.targets[index]


def rows() -> list[dict]:
    made = []
    for count, length, stride, batch_size in [(30, 4, 4, 2), (30, 4, 1, 8), (23, 5, 3, 3), (12, 3, 5, 4), (9, 8, 1, 1)]:
        ids = [(7 * i * i + 3 * i) % 101 for i in range(count)]
        dataset = Windows(ids, length, stride)
        for drop_last in (False, True):
            for world_size in (1, 3):
                for rank in range(world_size):
                    sampler = None
                    if world_size > 1:
                        # What the loader drops is another thing: here the ranks are made equal by repeating the first.
                        sampler = DistributedSampler(dataset, world_size, rank, shuffle=False, drop_last=False)
                    if world_size > 1 and drop_last:
                        continue
                    loader = DataLoader(dataset, batch_size, sampler=sampler, drop_last=drop_last)
                    batches = [[inputs.tolist(), targets.tolist()] for inputs, targets in loader]
                    made.append(
                        {
                            "ids": ids,
                            "contextLength": length,
                            "stride": stride,
                            "batchSize": batch_size,
                            "dropLast": drop_last,
                            "rank": rank,
                            "worldSize": world_size,
                            "batches": batches,
                        }
                    )
    return made


if __name__ == "__main__":
    if torch.__version__.split("+")[0] != VERSION:
        sys.exit(f"needs torch {VERSION}, this is {torch.__version__}")
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows())
    if "--check" in sys.argv:
        sys.exit(0 if OUT.read_text() == text else f"{OUT.name} is not what this makes")
    OUT.write_text(text)
