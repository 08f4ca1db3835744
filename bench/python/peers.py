"""The Python peers: each function loads one and says what of it encodes, counts, decodes, and takes several texts at a time.

Text that looks like a special token is plain text to all of them. Where a peer can return or take an array rather than a list of
Python numbers, that is what is measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Peer:
    encode: Callable[[str], Sequence[int]]
    count: Callable[[str], int] | None = None
    # From an array of u32, or from a list where `takes_list`; to str or bytes.
    decode: Callable[[Any], str | bytes] | None = None
    takes_list: bool = False
    # Several texts on so many threads; RAYON_NUM_THREADS says the same number. What comes out is read by flat() of child.py.
    batch: Callable[[list[str], int], Any] | None = None


# The pattern of r50k_base for peers that know only the other two by name; possessive quantifiers are not needed for its meaning.
R50K = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def tiktoken(encoding: str, ranks: Path, _json: Path) -> Peer:
    os.environ["TIKTOKEN_CACHE_DIR"] = ""  # no copy of the ranks elsewhere
    from tiktoken import Encoding
    from tiktoken.load import load_tiktoken_bpe
    from tiktoken_ext import openai_public

    # Its own loader, which checks the digest, reads the file instead of the address.
    openai_public.load_tiktoken_bpe = lambda url, expected_hash: load_tiktoken_bpe(str(ranks / url.rsplit("/", 1)[1]), expected_hash)
    tokenizer = Encoding(**openai_public.ENCODING_CONSTRUCTORS[encoding]())
    return Peer(
        lambda text: tokenizer.encode_to_numpy(text, disallowed_special=()),
        decode=tokenizer.decode,
        takes_list=True,
        batch=lambda texts, threads: tokenizer.encode_ordinary_batch(texts, num_threads=threads),
    )


def gigatoken(encoding: str, ranks: Path, _json: Path) -> Peer:
    from gigatoken import Tokenizer

    # Without special tokens there is none to be found in the text, which it cannot be asked to leave alone.
    tokenizer = Tokenizer.from_tiktoken(ranks / f"{encoding}.tiktoken", special_tokens={})
    return Peer(
        tokenizer.encode,
        decode=tokenizer.decode,
        batch=lambda texts, threads: tokenizer.encode_batch(texts, parallel=threads > 1),
    )


def fastokens(encoding: str, ranks: Path, _json: Path) -> Peer:
    import numpy
    from fastokens import Tokenizer

    how = {"pattern": R50K} if encoding == "r50k_base" else {"encoding": encoding}
    tokenizer = Tokenizer.from_tiktoken(str(ranks / f"{encoding}.tiktoken"), special_tokens={}, **how)
    return Peer(
        lambda text: numpy.frombuffer(tokenizer.encode_batch_flat([text])[0], numpy.uint32),
        decode=tokenizer.decode,
        takes_list=True,
        batch=lambda texts, _threads: tokenizer.encode_batch_flat(texts),
    )


def quicktok(encoding: str, _ranks: Path, _json: Path) -> Peer:
    from quicktok import get_encoding

    tokenizer = get_encoding(encoding)
    return Peer(
        lambda text: tokenizer.encode_batch([text], 1)[0],
        tokenizer.count,
        decode=tokenizer.decode,
        takes_list=True,
        batch=lambda texts, threads: tokenizer.encode_batch(texts, threads),
    )


def tokenizers(_encoding: str, _ranks: Path, json: Path) -> Peer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(json))
    return Peer(
        lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        decode=tokenizer.decode,
        takes_list=True,
        batch=lambda texts, _threads: tokenizer.encode_batch_fast(texts, add_special_tokens=False),
    )


def tokie(_encoding: str, _ranks: Path, json: Path) -> Peer:
    from tokie import Tokenizer

    tokenizer = Tokenizer.from_json(str(json))
    return Peer(
        lambda text: tokenizer.encode_batch_flat([text], add_special_tokens=False)[0],
        tokenizer.count_tokens,
        decode=tokenizer.decode_bytes,
        takes_list=True,
        batch=lambda texts, _threads: tokenizer.encode_batch_flat(texts, add_special_tokens=False),
    )


def none(_encoding: str, _ranks: Path, _json: Path) -> Peer:
    """No tokenizer: what the measuring itself costs."""
    return Peer(lambda _text: [0, 0])


PEERS = {
    "none": none,
    "tiktoken": tiktoken,
    "gigatoken": gigatoken,
    "fastokens": fastokens,
    "quicktok": quicktok,
    "tokenizers": tokenizers,
    "tokie": tokie,
}
