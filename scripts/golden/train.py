"""Makes testdata/tokenizer/train.jsonl with Hugging Face's `tokenizers`: what its BpeTrainer makes of small corpora. Same version, same file.

    pip install tokenizers==0.23.3
    cd scripts && python -m golden.train [--check]

The first line is `{about, alphabet}`: the 256 bytes in the order of their ids. Then `{corpus, texts}`, and for each training of it a line
`{corpus, pattern, vocab_size, min_frequency, max_token_length, special_tokens, merges, encoded}`: `merges` are the two ids of each merge, one
after the other; `encoded` are the ids of each text of `samples`, which is on the first line too. That the ids are those of the special
tokens, the alphabet and the merges, in this order, is checked here.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

sys.dont_write_bytecode = True  # no __pycache__ in scripts/

from golden.prose import CODE, PROSE

VERSION = "0.23.3"
SEED = 5
DATA = Path(__file__).resolve().parent.parent.parent / "testdata/tokenizer"

SAMPLES = ["low lower lowest", "aaaaaaaaaaaaa abababab ba", "The mill's   wheel\n\n turned 1234567 times; été, 磨坊 👍🏽", *CODE[:2]]
SPECIAL = ["<|endoftext|>", "<pad>", "[two words]"]


def byte_of_character() -> dict[str, int]:
    """What `ByteLevel` writes each byte as: itself where that prints in Latin-1, else the next character from U+0100 on."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in prints]
    return {chr(byte): byte for byte in prints} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


def words(rng: random.Random, alphabet: str, longest: int, count: int) -> str:
    return " ".join("".join(rng.choices(alphabet, k=rng.randint(1, longest))) for _ in range(count))


def corpora(rng: random.Random) -> Iterator[tuple[str, list[str]]]:
    yield "many scripts", PROSE
    yield "code", CODE
    vocabulary = sorted(set(" ".join(PROSE + CODE).split()))
    yield "words by Zipf's law", [" ".join(rng.choices(vocabulary, [1 / (n + 1) for n in range(len(vocabulary))], k=400)) for _ in range(5)]
    yield "two letters", [words(rng, "ab", 12, 300)]
    yield "two letters, long words", [words(rng, "aab", 400, 12)]
    yield "letters and white space", ["".join(rng.choices("ab \n\t", k=2000))]
    yield "runs", [" ".join(letter * n for n in range(1, 40) for letter in "ab"), "=" * 70, " " * 33 + "x" + "\n" * 20 + "x"]
    yield "all words equally often", ["".join(word) for word in itertools.product("abcd", repeat=4)]
    yield "all words once, the first twice", ["zz zz", *("".join(word) for word in itertools.product("xyz", repeat=3))]
    yield "every byte of two", [chr(code) for code in range(0x80, 0x800)]
    yield "pieces like special tokens", ["<pad> <pad> <|endoftext|> [two words] " * 9]
    yield "nothing", ["", "a", " b"]


def trainings(corpus: str) -> Iterator[dict[str, Any]]:
    yield {"vocab_size": 1000}
    yield {"vocab_size": 100_000, "min_frequency": 2, "special_tokens": SPECIAL}
    yield {"vocab_size": 300, "special_tokens": SPECIAL[:1], "pattern": "o200k"}
    if corpus in ("many scripts", "code", "words by Zipf's law", "two letters", "runs"):
        yield {"vocab_size": 700, "pattern": "cl100k", "min_frequency": 3}
        yield {"vocab_size": 700, "max_token_length": 4, "special_tokens": SPECIAL}
        yield {"vocab_size": 600, "max_token_length": 17, "min_frequency": 2, "pattern": "o200k"}
    if corpus in ("two letters", "runs"):
        yield from ({"vocab_size": 320, "max_token_length": length} for length in [0, 1, 2, 3, 5, 6, 7])
    if corpus == "code":
        yield {"vocab_size": 256}
        yield {"vocab_size": 257}
        yield {"vocab_size": 260, "special_tokens": SPECIAL}


def pre_tokenizer(pattern: str, patterns: dict[str, str]) -> Any:
    if pattern == "r50k":
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    # This engine reads `{1,3}+` as a repeated repetition; nothing follows it that could take back what it took.
    regex = Regex(patterns[pattern[0]].replace("{1,3}+", "{1,3}"))
    parts = [pre_tokenizers.Split(regex, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    return pre_tokenizers.Sequence(parts)


def train(texts: list[str], splitter: Any, options: dict[str, Any]) -> dict[str, Any]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitter
    options = {name: value for name, value in options.items() if value is not None and name != "pattern"}
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options))
    model = json.loads(tokenizer.to_str())["model"]
    ids, merges = model["vocab"], model["merges"]
    expected = [*options["special_tokens"], *sorted(byte_of_character()), *(left + right for left, right in merges)]
    assert sorted(ids, key=ids.__getitem__) == expected, options
    encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in SAMPLES]
    return {"merges": [ids[part] for merge in merges for part in merge], "encoded": encoded}


def lines() -> Iterator[dict[str, Any]]:
    with (DATA / "golden.jsonl").open(encoding="ascii") as golden:
        patterns = json.loads(golden.readline())["patterns"]
    about = f"made by scripts/golden/train.py with tokenizers {VERSION}; do not edit"
    bytes_of = byte_of_character()
    yield {"about": about, "alphabet": [bytes_of[character] for character in sorted(bytes_of)], "samples": SAMPLES}
    for corpus, texts in corpora(random.Random(SEED)):
        yield {"corpus": corpus, "texts": texts}
        for training in trainings(corpus):
            options = {"pattern": "r50k", "vocab_size": 0, "min_frequency": 0, "max_token_length": None, "special_tokens": []} | training
            yield {"corpus": corpus} | options | train(texts, pre_tokenizer(options["pattern"], patterns), options)


def main() -> int:
    if tokenizers.__version__ != VERSION:
        raise SystemExit(f"tokenizers {VERSION} is needed, this is {tokenizers.__version__}")
    content = "".join(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n" for line in lines())
    path = DATA / "train.jsonl"
    if "--check" in sys.argv[1:]:
        if path.read_text(encoding="ascii") != content:
            print("train.jsonl differs from what this script makes")
            return 1
    else:
        path.write_text(content, encoding="ascii", newline="\n")
    print(f"train.jsonl: {content.count(chr(10))} lines, {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
