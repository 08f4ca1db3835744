"""Models that sentencepiece trains, and the tokenizer.json that Hugging Face's transformers makes of such ones.

They have the shape of the published ones: what is normalized, which pieces there may be, the ids of special tokens. Ids are the same in both files, so
that they can be compared.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors


def trained(documents: list[str], size: int, tokenizer_json: str, **options: Any) -> tuple[bytes, list[tuple[str, float]]]:
    """The model that is written beside `tokenizer_json`, of at most `size` pieces, and its pieces with their scores."""
    model = io.BytesIO()
    lines = (line for document in documents for line in document.split("\n"))
    SentencePieceTrainer.train(sentence_iterator=lines, model_writer=model, vocab_size=size, hard_vocab_limit=False, minloglevel=2, **options)
    Path(f"{tokenizer_json}.model").write_bytes(model.getvalue())
    pieces = SentencePieceProcessor(model_proto=model.getvalue())
    return model.getvalue(), [(pieces.id_to_piece(id), pieces.get_score(id)) for id in range(pieces.get_piece_size())]


def xlmr(documents: list[str], size: int, tokenizer_json: str) -> None:
    """Unigram, with the ids of special tokens that XLM-R has."""
    model, scored = trained(documents, size, tokenizer_json, model_type="unigram", bos_id=0, pad_id=1, eos_id=2, unk_id=3)
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=3, byte_fallback=False))
    # ModelProto.normalizer_spec.precompiled_charsmap
    characters = field_of_message(field_of_message(model, 3), 2)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(characters), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends)
    save(tokenizer, ["<s>", "<pad>", "</s>", "<unk>"], tokenizer_json)


def llama2(documents: list[str], size: int, tokenizer_json: str) -> None:
    """BPE of characters, with bytes for those that are rare; the text is one word."""
    spaces = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "allow_whitespace_only_pieces": True}
    rare = {"byte_fallback": True, "character_coverage": 0.99995, "split_digits": True}
    _, scored = trained(documents, size, tokenizer_json, model_type="bpe", **spaces, **rare)
    ids = {piece: id for id, (piece, _) in enumerate(scored)}
    tokenizer = Tokenizer(models.BPE(ids, merges_of(scored, ids), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    save(tokenizer, ["<unk>", "<s>", "</s>"], tokenizer_json)


def merges_of(scored: list[tuple[str, float]], ids: dict[str, int]) -> list[tuple[str, str]]:
    """Every way to join a piece of two others; in the order of transformers: the best score first, then the longer parts."""
    merges = []
    for piece, score in scored:
        halves = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
        joined = [(left, right) for left, right in halves if left in ids and right in ids]
        merges += [(score, left, right) for left, right in sorted(joined, key=lambda parts: (ids[parts[0]], ids[parts[1]]))]
    merges.sort(key=lambda merge: (merge[0], len(merge[1]), len(merge[2])), reverse=True)
    return [(left, right) for _, left, right in merges]


def save(tokenizer: Tokenizer, special: list[str], tokenizer_json: str) -> None:
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    tokenizer.save(tokenizer_json)


def field_of_message(message: bytes, wanted: int) -> bytes:
    """A field of bytes of a protobuf message: the package that reads whole ones is needed for nothing else."""

    def number(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if message[at - 1] < 0x80:
                return value, at

    at = 0
    while at < len(message):
        key, at = number(at)
        if key & 7 == 2:
            length, at = number(at)
            if key >> 3 == wanted:
                return message[at : at + length]
            at += length
        else:
            at = number(at)[1] if key & 7 == 0 else at + (8 if key & 7 == 1 else 4)
    raise LookupError(wanted)
