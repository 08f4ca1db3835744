"""Rows of behaviour: special tokens, single tokens, decoding. Each row is what tiktoken does, errors too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from tiktoken import Encoding

Row = dict[str, Any]

TEXTS = [
    "", "plain text", "<|endoftext|>", "a<|endoftext|>b", "<|endoftext|><|endoftext|>", "x <|endoftext|> y", "a  <|endoftext|>  b", "line\n\n<|endoftext|>\n\nline",
    "<|endoftext|", "<|endoftext", "|endoftext|>", "<<|endoftext|>>", "<|<|endoftext|>|>", "<|endof<|endoftext|>text|>", "<|ENDOFTEXT|>", "<| endoftext |>",
    "<|fim_prefix|>def f():<|fim_suffix|>\n<|fim_middle|>", "<|endofprompt|>", "a<|endofprompt|><|endoftext|>", "<|fim_prefix|><|fim_prefix",
    "<|start|>user<|message|>hi<|end|><|start|>assistant<|channel|>final<|message|>it's<|return|>", "<|startoftext|>x<|call|>", "<|reserved_200013|><|reserved_201087|>",
    "<|reserved_200000|><|reserved_201088|>", "中<|endoftext|>文 '<|endoftext|>'s", "ABC<|endoftext|>DEF 12<|endoftext|>34", "   <|endoftext|>", "<|endoftext|>   ",
    "\ufeff<|endoftext|>\x00", "hello <|im_start|>",
]

POLICIES: list[tuple[Any, Any]] = [
    ([], "all"), ([], []), ("all", "all"), ("all", []), (["<|endoftext|>"], "all"), (["<|endoftext|>"], []), ([], ["<|endoftext|>"]), (["<|endofprompt|>"], []),
    (["<|fim_prefix|>", "<|end|>"], "all"), (["<|endoftext|>"], ["<|endoftext|>"]), ("all", ["<|endoftext|>"]), ([], ["hello", "<|fim_middle|>"]), (["hello"], []),
    (["<|im_start|>"], "all"), ("all", ["<|im_start|>"]),
]


def special_rows(encodings: dict[str, Encoding]) -> Iterator[Row]:
    for name, encoding in encodings.items():
        for text in TEXTS:
            for allowed, disallowed in POLICIES:
                row: Row = {"encoding": name, "text": text, "allowed": allowed, "disallowed": disallowed}
                try:
                    row["ids"] = encoding.encode(
                        text,
                        allowed_special="all" if allowed == "all" else set(allowed),
                        disallowed_special="all" if disallowed == "all" else set(disallowed),
                    )
                except ValueError as error:
                    refused = re.search(r"disallowed special token (['\"])(.*?)\1", str(error))
                    assert refused is not None, error
                    row["refused"] = refused.group(2)
                yield row


def token_rows(rng: Random, encodings: dict[str, Encoding]) -> Iterator[Row]:
    """One id and its bytes; `null` for an id that does not exist, or for bytes that are no token."""
    for name, encoding in encodings.items():
        size = encoding.n_vocab
        special = sorted(encoding._special_tokens.values())
        ids = {0, 1, 255, 256, 257, size - 1, size, size + 1, 2**32 - 1, *special[:20], *special[-3:]}
        ids |= {id for edge in [*special[:20], len(encoding._mergeable_ranks)] for id in (edge - 1, edge + 1)}
        ids |= set(rng.sample(range(size), 120))
        for id in sorted(ids):
            try:
                yield {"encoding": name, "id": id, "bytes": encoding.decode_single_token_bytes(id).hex()}
            except KeyError:
                yield {"encoding": name, "id": id, "bytes": None}
        for text in ["", "qzqzqz", "<|endoftext", "<|nothing|>", "hello world", "\U0010ffff"]:
            try:
                encoding.encode_single_token(text)
            except KeyError:
                yield {"encoding": name, "id": None, "bytes": text.encode().hex()}


def decode_rows(rng: Random, encodings: dict[str, Encoding], texts: list[str]) -> Iterator[Row]:
    """Ids, their bytes and their text with `errors='replace'`; both `null` when an id does not exist."""
    for name, encoding in encodings.items():
        size = encoding.n_vocab
        lists = [[]]
        for text in rng.sample(texts, 60):  # cut anywhere, so within characters too
            ids = encoding.encode_ordinary(text)
            start = rng.randrange(len(ids))
            lists.append(ids[start : start + rng.randint(1, 8)])
            lists.append(ids[::-1][:12])
        lists += [[rng.randrange(256) for _ in range(rng.randint(1, 6))] for _ in range(60)]  # single bytes
        lists += [[rng.randrange(size - 3000 if name == "o200k_harmony" else size) for _ in range(rng.randint(1, 6))] for _ in range(25)]
        lists += [[encoding.eot_token], [1, encoding.eot_token, 2], [size], [1, size + 7, 2], [2**32 - 1]]
        for ids in lists:
            row: Row = {"encoding": name, "ids": ids}
            try:
                row |= {"bytes": encoding.decode_bytes(ids).hex(), "text": encoding.decode(ids)}
            except KeyError:
                row |= {"bytes": None, "text": None}
            yield row


def surrogate_texts(rng: Random) -> Iterator[str]:
    """Strings with lone surrogates, which JavaScript has and UTF-8 has not; tiktoken reads each as U+FFFD."""
    parts = ["\ud800", "\udbff", "\udc00", "\udfff", "a", " ", "\n", "'s", "1", "😀", "\ufffd", "A", "中", "\u0301", "."]
    for surrogate in parts[:4]:
        for frame in ["{}", "a{}", "{}b", " {}", "{0}{0}", "x{}y", "1{}2", "{}\n", "😀{}"]:
            yield frame.format(surrogate)
    for _ in range(200):
        text = "".join(rng.choice(parts) for _ in range(rng.randint(2, 8)))
        if not re.search("[\ud800-\udbff][\udc00-\udfff]", text) and re.search("[\ud800-\udfff]", text):
            yield text
