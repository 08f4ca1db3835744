"""One training of a peer: child.py PEER THREADS VOCABULARY OUT DOCUMENTS FILE…. What child.mjs prints and writes, of peers from PyPI.

DOCUMENTS holds the texts of the files as a JSON array of shorter ones, for those that take texts; the others read the files. OUT gets a line per merge: both
parts where the peer tells them, else the token alone.
"""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

# GPT-2 writes each byte as a printable character: itself where it is one, else one from U+0100 on.
PLAIN = [byte for byte in range(256) if 0x20 < byte < 0x7F or (0xA0 < byte and byte != 0xAD)]
OTHERS = [byte for byte in range(256) if byte not in PLAIN]
PRINTED = {byte: chr(byte) for byte in PLAIN} | {byte: chr(0x100 + index) for index, byte in enumerate(OTHERS)}


def printed(token: bytes) -> str:
    return "".join(PRINTED[byte] for byte in token)


def peak() -> int:
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def watch() -> int | None:
    """The resident memory of now, from which its peak is counted on; none where the system does not tell."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return peak()
    except OSError:
        return None


# Each trains, and returns what makes the lines.
Train = Callable[[int, int, list[str], list[str]], Callable[[], Iterable[str]]]


def tokenizers(_threads: int, vocabulary: int, documents: list[str], _files: list[str]) -> Callable[[], Iterable[str]]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(documents, trainer)
    return lambda: (" ".join(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"])


def rustbpe(_threads: int, vocabulary: int, documents: list[str], _files: list[str]) -> Callable[[], Iterable[str]]:
    from rustbpe import Tokenizer

    tokenizer = Tokenizer()
    tokenizer.train_from_iterator(iter(documents), vocabulary, pattern=GPT2)
    return lambda: (printed(bytes(token)) for token, rank in sorted(tokenizer.get_mergeable_ranks(), key=lambda entry: entry[1]) if rank >= 256)


def gigatoken(_threads: int, vocabulary: int, _documents: list[str], files: list[str]) -> Callable[[], Iterable[str]]:
    from gigatoken import TextFileSource, train_bpe

    _, merges = train_bpe(TextFileSource(files), vocabulary, [])
    return lambda: (f"{printed(left)} {printed(right)}" for left, right in merges)


def bpeasy(_threads: int, vocabulary: int, documents: list[str], _files: list[str]) -> Callable[[], Iterable[str]]:
    from bpeasy import train_bpe

    ranks = train_bpe(iter(documents), GPT2, 4096, vocabulary)
    return lambda: (printed(token) for token, _ in sorted(ranks.items(), key=lambda entry: entry[1]) if len(token) > 1)


def sentencepiece(threads: int, vocabulary: int, documents: list[str], _files: list[str]) -> Callable[[], Iterable[str]]:
    """As near as it comes: its own splitting at spaces, characters before bytes."""
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=(line for document in documents for line in document.split("\n")),
        model_writer=model,
        model_type="bpe",
        vocab_size=vocabulary,
        num_threads=threads,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        max_sentence_length=1 << 30,
        minloglevel=2,
    )

    def lines() -> Iterable[str]:
        pieces = SentencePieceProcessor(model_proto=model.getvalue())
        for id in range(pieces.get_piece_size()):
            piece = pieces.id_to_piece(id)
            if not (pieces.is_byte(id) or pieces.is_control(id) or pieces.is_unknown(id)) and len(piece) > 1:
                yield printed(piece.replace("\u2581", " ").encode())

    return lines


TRAIN: dict[str, Train] = {"tokenizers": tokenizers, "rustbpe": rustbpe, "gigatoken": gigatoken, "bpeasy": bpeasy, "sentencepiece": sentencepiece}


def main() -> None:
    name, threads, vocabulary, out, documents, *files = sys.argv[1:]
    texts = json.loads(Path(documents).read_text(encoding="utf-8"))
    train = TRAIN[name]
    __import__(name)
    before = watch()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    lines = train(int(threads), int(vocabulary), texts, files)
    spent = {"wall": time.perf_counter_ns() - wall, "cpu": time.process_time_ns() - cpu}
    print(json.dumps({**spent, **({} if before is None else {"memory": peak() - before})}))
    Path(out).write_text("\n".join(lines()), encoding="utf-8")


main()
