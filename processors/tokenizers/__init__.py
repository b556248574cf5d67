"""Kinds of tokenizers, one file each; `processors.tokenization.load_tokenizer` asks them which fits a folder."""
