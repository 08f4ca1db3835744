"""The Python peers: each function loads one and returns what encodes and, where the peer has it, what counts.

Text that looks like a special token is plain text to all of them. Where a peer can return an array rather than a list of
Python numbers, that is what is measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

Peer = tuple[Callable[[str], Sequence[int]], Callable[[str], int] | None]

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
    return lambda text: tokenizer.encode_to_numpy(text, disallowed_special=()), None


def gigatoken(encoding: str, ranks: Path, _json: Path) -> Peer:
    from gigatoken import Tokenizer

    # Without special tokens there is none to be found in the text, which it cannot be asked to leave alone.
    return Tokenizer.from_tiktoken(ranks / f"{encoding}.tiktoken", special_tokens={}).encode, None


def fastokens(encoding: str, ranks: Path, _json: Path) -> Peer:
    import numpy
    from fastokens import Tokenizer

    how = {"pattern": R50K} if encoding == "r50k_base" else {"encoding": encoding}
    tokenizer = Tokenizer.from_tiktoken(str(ranks / f"{encoding}.tiktoken"), special_tokens={}, **how)
    return lambda text: numpy.frombuffer(tokenizer.encode_batch_flat([text])[0], numpy.uint32), None


def quicktok(encoding: str, _ranks: Path, _json: Path) -> Peer:
    from quicktok import get_encoding

    tokenizer = get_encoding(encoding)
    return lambda text: tokenizer.encode_batch([text], 1)[0], tokenizer.count


def tokenizers(_encoding: str, _ranks: Path, json: Path) -> Peer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(json))
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids, None


def none(_encoding: str, _ranks: Path, _json: Path) -> Peer:
    """No tokenizer: what the measuring itself costs."""
    return lambda _text: [0, 0], None


PEERS = {"none": none, "tiktoken": tiktoken, "gigatoken": gigatoken, "fastokens": fastokens, "quicktok": quicktok, "tokenizers": tokenizers}
