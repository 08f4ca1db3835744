"""The Python peers: each function loads a file, and returns what makes ids of a text.

No special token is put to a text; one that stands in it is plain text to all that can be asked for that, which gigatoken and tokie cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Encode = Callable[[str], Sequence[int]]


def tokenizers(file: str) -> Encode:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    tokenizer.encode_special_tokens = True
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def gigatoken(file: str) -> Encode:
    from gigatoken import Tokenizer

    return Tokenizer(file).encode


def fastokens(file: str) -> Encode:
    import numpy
    from fastokens import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    return lambda text: numpy.frombuffer(tokenizer.encode_batch_flat([text], split_special_tokens=True)[0], numpy.uint32)


def tokie(file: str) -> Encode:
    from tokie import Tokenizer

    tokenizer = Tokenizer.from_json(file)
    return lambda text: tokenizer.encode_batch_flat([text], add_special_tokens=False)[0]


def sentencepiece(file: str) -> Encode:
    """Of its own file, not of a tokenizer.json."""
    from sentencepiece import SentencePieceProcessor

    return SentencePieceProcessor(model_file=file).encode


PEERS = {"tokenizers": tokenizers, "gigatoken": gigatoken, "fastokens": fastokens, "tokie": tokie, "sentencepiece": sentencepiece}
