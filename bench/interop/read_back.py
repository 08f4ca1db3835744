"""What `prepare` has written, read as the projects read it for whom it is: read_back.py FOLDER.

FOLDER holds `data` (a dataset in every format), `expected.json` (the ids of each document, made by `encode`) and `windows.json` (batches of a
`DataLoader` of Tokenmill). Prints one line of JSON: for each reader what it has seen to be equal. Whatever is not is an error.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
data = folder / "data"
expected = json.loads((folder / "expected.json").read_text())
wide = expected["dtype"] == "uint32"
dtype = np.dtype("<u4" if wide else "<u2")
seen: dict[str, str] = {}


def same(what: str, found: np.ndarray, wanted: np.ndarray) -> None:
    if found.shape != wanted.shape or not np.array_equal(found.astype(np.int64), wanted.astype(np.int64)):
        sys.exit(f"{what}: other ids than encode gives")


def tell(reader: str, what: str) -> None:
    seen[reader] = f"{seen[reader]}; {what}" if reader in seen else what


def raw(split: str, ids: np.ndarray, starts: np.ndarray) -> None:
    shards = sorted(data.glob(f"{split}-*.bin"))
    same("raw", np.concatenate([np.memmap(shard, dtype=dtype, mode="r") for shard in shards]), ids)
    same("documents index", np.fromfile(data / f"{split}-documents.u64", dtype="<u8"), starts)
    # Torch has no arithmetic on unsigned numbers, but maps and converts them.
    of_torch = [torch.from_file(str(it), dtype=torch.uint32 if wide else torch.uint16, size=it.stat().st_size // dtype.itemsize) for it in shards]
    same("torch.from_file", torch.cat([it.to(torch.int64) for it in of_torch]).numpy(), ids)
    tell("numpy.memmap and torch.from_file of raw shards, numpy.fromfile of the documents index", f"{split}: {len(shards)} shards, {len(ids)} ids")


def npy(split: str, ids: np.ndarray, _starts: np.ndarray) -> None:
    arrays = [np.load(shard, mmap_mode="r", allow_pickle=False) for shard in sorted((data / "npy").glob(f"{split}-*.npy"))]
    if any(array.dtype != dtype or array.ndim != 1 for array in arrays):
        sys.exit("npy: another type or shape")
    same("npy", np.concatenate(arrays), ids)
    tell("numpy.load of .npy", f"{split}: {len(arrays)} files, {len(ids)} ids")


def nanogpt(split: str, ids: np.ndarray, _starts: np.ndarray) -> None:
    if wide:
        return
    found = np.memmap(data / "nanogpt" / f"{split}.bin", dtype=np.uint16, mode="r")
    same("nanogpt", found, ids)
    # As its training takes a batch.
    at, block = len(found) // 3, 64
    x, y = (torch.from_numpy(found[i : i + block].astype(np.int64)) for i in (at, at + 1))
    same("nanogpt's batch", torch.stack([x, y]).numpy(), np.stack([ids[at : at + block], ids[at + 1 : at + 1 + block]]))
    tell("numpy.memmap as nanoGPT's train.py does", f"{split}: {len(found)} ids")


def llm_c(split: str, ids: np.ndarray, _starts: np.ndarray) -> None:
    """By the layout that llm.c publishes: 256 numbers of 32 bits (magic, version, how many ids), then the ids."""
    found = []
    shards = sorted((data / "llmc").glob(f"{split}_*.bin"))
    for shard in shards:
        header = np.fromfile(shard, dtype="<i4", count=256)
        if tuple(header[:2]) != ((20240801, 7) if wide else (20240520, 1)) or header[3:].any():
            sys.exit("llm.c: another header")
        found.append(np.fromfile(shard, dtype=dtype, offset=1024))
        if len(found[-1]) != header[2]:
            sys.exit("llm.c: another number of ids than the header says")
    same("llm.c", np.concatenate(found), ids)
    tell("the layout of llm.c's dataloader", f"{split}: {len(shards)} files, {len(ids)} ids")


def megatron(split: str, ids: np.ndarray, starts: np.ndarray) -> None:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    ends = [*starts[1:].tolist(), len(ids)]
    for mapped in (True, False):
        found = IndexedDataset(str(data / "megatron" / split), mmap=mapped)
        if len(found) != len(starts):
            sys.exit("Megatron-LM: another number of sequences")
        same("Megatron-LM's documents", np.asarray(found.document_indices), np.arange(len(starts) + 1))
        for document, (start, end) in enumerate(zip(starts.tolist(), ends)):
            same("Megatron-LM", np.asarray(found[document]), ids[start:end])
            if end - start > 3:
                same("Megatron-LM's get", np.asarray(found.get(document, offset=1, length=2)), ids[start + 1 : start + 3])
    tell("IndexedDataset of megatron-core, mapped and read", f"{split}: {len(starts)} sequences")


class GPTDatasetV1(Dataset):
    """Sliding windows as tensors in lists, as books and courses make them."""

    def __init__(self, ids: np.ndarray, length: int, stride: int) -> None:
        starts = range(0, len(ids) - length, stride)
        self.inputs = [torch.tensor(ids[i : i + length]) for i in starts]
        self.targets = [torch.tensor(ids[i + 1 : i + length + 1]) for i in starts]

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.inputs[index], self.targets[index]


def windows() -> None:
    rows = 0
    for made in json.loads((folder / "windows.json").read_text()):
        shards = sorted(data.glob("train-*.bin"))
        ids = np.concatenate([np.memmap(shard, dtype=dtype, mode="r") for shard in shards]).astype(np.int64)[: made["tokens"]]
        dataset = GPTDatasetV1(ids, made["contextLength"], made["stride"])
        theirs = DataLoader(dataset, batch_size=made["batchSize"], shuffle=False, drop_last=made["dropLast"])
        if len(theirs) != len(made["batches"]):
            sys.exit(f"windows: {len(made['batches'])} batches, and torch has {len(theirs)}")
        for (inputs, targets), ours in zip(theirs, made["batches"]):
            same("inputs", np.array(ours["inputs"]), inputs.numpy())
            same("targets", np.array(ours["targets"]), targets.numpy())
            rows += len(inputs)
    tell("GPTDatasetV1 and torch's DataLoader, without shuffling", f"{rows} rows, inputs and targets")


for split, documents in expected["splits"].items():
    ids = np.array([id for document in documents for id in document], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum([len(document) for document in documents])[:-1]])
    for read in (raw, npy, nanogpt, llm_c, megatron):
        read(split, ids, starts)
windows()
import megatron.core  # noqa: E402

versions = {"numpy": np.__version__, "torch": torch.__version__, "megatron-core": megatron.core.__version__}
print(json.dumps({"seen": seen, "versions": versions}))
