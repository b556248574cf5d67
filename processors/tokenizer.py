"""What a tokenizer is, whatever it cuts texts into."""


class Tokenizer:
    """Base of all tokenizers."""

    @property
    def end_id(self):
        """What a text ends with in a stream of texts."""
        return self.sep_id
