"""How the peers prepare: child.py nanogpt|megatron OUT RANKS_OR_JSON FILE…, two processes.

Their methods, written anew. nanoGPT: a pool of processes encodes documents with tiktoken's `encode_ordinary`, end of text after each, and the ids are
appended to one file of 16-bit numbers (without the Arrow files that `datasets` writes between). Megatron-LM: a pool whose processes load a tokenizer of
Hugging Face, `json.loads` and encode lines, and the parent adds each document to an `IndexedDatasetBuilder` of megatron-core.

Prints the seconds of that, in which loading modules is not.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard

WORKERS = 2
END_OF_TEXT = 50256
encode = None


def lines(files: list[str]) -> Iterator[bytes]:
    for file in files:
        with open(file, "rb") as packed:
            yield from io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed), 1 << 20)


def load_tiktoken(ranks: str) -> None:
    global encode
    os.environ["TIKTOKEN_CACHE_DIR"] = ""
    from tiktoken import Encoding
    from tiktoken.load import load_tiktoken_bpe
    from tiktoken_ext import openai_public

    openai_public.load_tiktoken_bpe = lambda url, expected_hash: load_tiktoken_bpe(str(Path(ranks) / "r50k_base.tiktoken"), expected_hash)
    encode = Encoding(**openai_public.ENCODING_CONSTRUCTORS["r50k_base"]()).encode_ordinary


def load_tokenizers(file: str) -> None:
    global encode
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731


def document(line: bytes) -> list[int]:
    ids = encode(json.loads(line)["text"])
    ids.append(END_OF_TEXT)
    return ids


def nanogpt(out: Path, ranks: str, files: list[str]) -> None:
    with multiprocessing.Pool(WORKERS, load_tiktoken, (ranks,)) as pool, open(out / "train.bin", "wb") as file:
        batch: list[np.ndarray] = []
        for ids in pool.imap(document, lines(files), 32):
            batch.append(np.array(ids, dtype=np.uint16))
            if len(batch) == 1024:
                file.write(np.concatenate(batch).tobytes())
                batch = []
        if batch:
            file.write(np.concatenate(batch).tobytes())


def megatron(out: Path, tokenizer: str, files: list[str]) -> None:
    builder = IndexedDatasetBuilder(str(out / "train.bin"), dtype=np.uint16)
    with multiprocessing.Pool(WORKERS, load_tokenizers, (tokenizer,)) as pool:
        for ids in pool.imap(document, lines(files), 32):
            builder.add_document(torch.IntTensor(ids), [len(ids)])
    builder.finalize(str(out / "train.idx"))


if __name__ == "__main__":
    if sys.argv[1] == "megatron":
        import torch
        from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder
    began = time.perf_counter()
    {"nanogpt": nanogpt, "megatron": megatron}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
    print(json.dumps({"seconds": time.perf_counter() - began}))
