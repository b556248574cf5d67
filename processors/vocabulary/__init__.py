"""Vocabularies out of text: counting words, training WordPiece and SentencePiece, adding a domain's words."""
