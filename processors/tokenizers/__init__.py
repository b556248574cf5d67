"""Kinds of tokenizers, one file each; `bertline.processors.tokenization.load_tokenizer` asks them which fits a folder."""
