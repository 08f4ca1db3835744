"""A tokenizer.json trained on documents, in the shape of well-known published ones: train.py MODEL DOCUMENTS SIZE TOKENIZER_JSON.

MODEL is `bert`, `roberta`, or one that sentencepiece trains: `xlmr` and `llama2`, whose own file is written beside it, as TOKENIZER_JSON.model.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
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


def roberta(documents: list[str], size: int, tokenizer_json: str) -> None:
    """Byte-level BPE whose ids are by how often tokens are met, as they are in fairseq's dictionary, not in the order of merges."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(documents, trainers.BpeTrainer(vocab_size=size - len(special) - 1, initial_alphabet=alphabet, show_progress=False))
    counts = Counter(token for document in documents for token in tokenizer.encode(document).tokens)
    file = json.loads(tokenizer.to_str())
    tokens = sorted(file["model"]["vocab"], key=lambda token: (-counts[token], token))
    file["model"]["vocab"] = {token: id for id, token in enumerate([*special, *tokens, "<mask>"])}
    added = {"single_word": False, "rstrip": False, "special": True}
    file["added_tokens"] = [
        {**added, "id": file["model"]["vocab"][token], "content": token, "lstrip": token == "<mask>", "normalized": token != "<mask>"}
        for token in [*special, "<mask>"]
    ]
    file["post_processor"] = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False}
    Path(tokenizer_json).write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")


def main() -> None:
    name, documents, size, tokenizer_json = sys.argv[1:]
    train = {"bert": bert, "roberta": roberta, "xlmr": sentence_piece.xlmr, "llama2": sentence_piece.llama2}[name]
    train(json.loads(Path(documents).read_text(encoding="utf-8")), int(size), tokenizer_json)


main()
