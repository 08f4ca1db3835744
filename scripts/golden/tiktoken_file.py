#!/usr/bin/env python3
"""Makes testdata/tokenizer/tiktoken-file.json: small .tiktoken files, and the ids that Python tiktoken gives with them.

    .venv/bin/python scripts/golden/tiktoken_file.py > testdata/tokenizer/tiktoken-file.json

Needs the packages of testdata/tokenizer/requirements.txt. The vocabularies have what the published ones have not, or only some: holes, ranks in another
order than that of the lines, tokens that no merge reaches (as in the files of Llama 3 and Qwen), parts with a larger rank than the whole.
"""

from __future__ import annotations

import base64
import json
import random

import tiktoken

CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# Llama 3's, with single digits: Qwen 2's.
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# Nobody's: every character is in a match, as tiktoken drops the others.
OWN = r"[a-d]+| ?[^a-d\s]+|\s"

# Reachable and not: "abcd" by ab + cd, "abc" by no merge once "bc" comes first, "xyz" and " hello" by none.
TOKENS = ["ab", "cd", "abcd", "bc", "abc", "aa", "aaa", "aaaa", "xyz", " hello", "é", "中", "中文", " a", " ab", "\n\n", "  ", "'s", "12", "123", "dd", "add", "ddd"]
SPECIAL = ["<|end|>", "<|pad|>", "<|end|><|pad|>"]


def vocabulary(seed: int) -> dict[bytes, int]:
    """Every byte and TOKENS, with ranks in a random order and holes between them."""
    rng = random.Random(seed)
    tokens = [bytes([byte]) for byte in range(256)] + [token.encode() for token in TOKENS]
    parts = ["ab", "cd", "bc", "aa", "hel", "lo", "hello", " h", "él", "文中", "12", "d"]
    tokens += {(rng.choice(parts) + rng.choice(parts)).encode() for _ in range(30)} - set(tokens)
    ranks = rng.sample(range(2 * len(tokens)), len(tokens)) if seed else range(len(tokens))
    return dict(zip(sorted(tokens) if seed else tokens, ranks))


def text(rng: random.Random) -> str:
    pieces = [*TOKENS, *SPECIAL, *"abcdé文 1\n", "hello", "abcabc", "<|end|", "👩‍👩‍👧", "the", "aaaaaaa", "\r\n"]
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 16)))


def case(seed: int, name: str | None, regex: str) -> dict:
    ranks = vocabulary(seed)
    first = max(ranks.values()) + 1
    special = {token: first + 3 * index for index, token in enumerate(SPECIAL)}
    encoding = tiktoken.Encoding(f"case-{seed}", pat_str=regex, mergeable_ranks=ranks, special_tokens=special)
    rng = random.Random(seed)
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items()]
    rows = []
    for _ in range(150):
        row = text(rng)
        rows.append([row, encoding.encode_ordinary(row), encoding.encode(row, allowed_special="all")])
    return {"pattern": name or regex, "file": "".join(lines), "special": special, "rows": rows}


cases = [case(0, "cl100k", CL100K), case(1, "cl100k", CL100K), case(2, None, QWEN2), case(3, "qwen2", QWEN2), case(4, None, OWN)]
about = f"made by scripts/golden/tiktoken_file.py with tiktoken {tiktoken.__version__}; do not edit"
print(json.dumps({"about": about, "cases": cases}, ensure_ascii=True, separators=(",", ":")))
