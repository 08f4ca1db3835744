"""A tokenizer.json trained on documents, in the shape of well-known published ones: train.py MODEL DOCUMENTS SIZE TOKENIZER_JSON.

MODEL is `bert`, or one that sentencepiece trains: `xlmr` and `llama2`, whose own file is written beside it, as TOKENIZER_JSON.model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

sys.dont_write_bytecode = True

import sentence_piece


def bert(documents: list[str], size: int, tokenizer_json: str) -> None:
    """WordPiece, uncased."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(documents, trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False))
    ends = [("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends)
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.save(tokenizer_json)


def main() -> None:
    name, documents, size, tokenizer_json = sys.argv[1:]
    train = {"bert": bert, "xlmr": sentence_piece.xlmr, "llama2": sentence_piece.llama2}[name]
    train(json.loads(Path(documents).read_text(encoding="utf-8")), int(size), tokenizer_json)


main()
