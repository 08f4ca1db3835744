"""The documents of a text by Python's tokenizers: child.py encode TOKENIZER_JSON WARM_UP DOCUMENTS PASSES SECONDS OUT, as child.mjs does it.

child.py wordpiece DOCUMENTS VOCABULARY TOKENIZER_JSON makes a tokenizer.json like that of BERT, uncased, trained on the documents.
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer


def timed(step: str, work: Callable[[], Any]) -> tuple[int, Any]:
    """Prints the wall time and the CPU time of all threads, in ns; returns the first, and what `work` returned."""
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    result = work()
    wall = time.perf_counter_ns() - wall
    print(json.dumps({"step": step, "wall": wall, "cpu": time.process_time_ns() - cpu}), flush=True)
    return wall, result


def encode(tokenizer_json: str, warm_up: str, documents: str, passes: str, seconds: str, out: str) -> None:
    _, tokenizer = timed("load", lambda: Tokenizer.from_file(tokenizer_json))
    texts = json.loads(Path(documents).read_text(encoding="utf-8"))
    tokenizer.encode(Path(warm_up).read_bytes().decode(), add_special_tokens=False)

    def once() -> list[list[int]]:
        return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]

    total, lists = timed("first", once)
    ids = array("I")
    for some in lists:
        ids.extend(some)
    Path(out).write_bytes(ids.tobytes())
    for _ in range(int(passes)):
        if total >= float(seconds) * 1e9:
            break
        total += timed("warm", once)[0]


def wordpiece(documents: str, vocabulary: str, tokenizer_json: str) -> None:
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=int(vocabulary), special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(json.loads(Path(documents).read_text(encoding="utf-8")), trainer)
    ends = [("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.save(tokenizer_json)


{"encode": encode, "wordpiece": wordpiece}[sys.argv[1]](*sys.argv[2:])
