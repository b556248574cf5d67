"""What all sides of the encoding benchmark share; and what those without a text pipeline of their own need."""

import time

import numpy as np

LONGEST = 256  # tokens; what MiniLM's folder says


class Encoding:
    """A side; a subclass has `make(dtype)`, which returns encode(texts, batch_size) -> float [n, width]."""

    def __init__(self, texts, model):
        self.texts, self.model, self._made = texts, model, {}

    def _encoder(self, dtype):
        if dtype not in self._made:
            self._made[dtype] = self.make(dtype)
        return self._made[dtype]

    def vectors(self, dtype, name, batch_size, count=0):
        texts = self.texts[name]
        encode = self._encoder(dtype)
        return np.asarray(encode(texts[:count], batch_size)).tolist() if count else len(encode(texts, batch_size))

    def latencies(self, dtype, text, count):
        encode, seconds = self._encoder(dtype), []
        for _ in range(count):
            started = time.perf_counter()
            encode([text], 32)
            seconds.append(time.perf_counter() - started)
        return seconds


def tokenizer(model):
    """The Rust tokenizer of a folder's tokenizer.json, without padding."""
    import tokenizers

    made = tokenizers.Tokenizer.from_file(f"{model}/tokenizer.json")
    made.no_padding()
    made.enable_truncation(LONGEST)
    return made


def sorted_batches(encodings, batch_size):
    """Yields (row numbers, int64 arrays ids, mask, types [B, T]): longest first, padded to the longest of the batch."""
    order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i].ids))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        shape = [len(rows), len(encodings[rows[0]].ids)]
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, i in enumerate(rows):
            ids[row, : len(encodings[i].ids)] = encodings[i].ids
            mask[row, : len(encodings[i].ids)] = 1
        yield rows, (ids, mask, np.zeros_like(ids))


def mean_normalized(states, mask):
    """float [B, T, H], int [B, T] -> [B, H]: the mean of the real tokens, of length 1."""
    total = np.einsum("bth,bt->bh", states, mask.astype(states.dtype))
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def torch_model(model):
    """MiniLM as a torch module (ids, mask, types) -> vectors [B, H]: encoder, mean, normalisation."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    class SentenceVectors(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = transformers.AutoModel.from_pretrained(model, attn_implementation="eager")

        def forward(self, input_ids, attention_mask, token_type_ids):
            states = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            total = (states * attention_mask[:, :, None].to(states.dtype)).sum(1)
            return torch.nn.functional.normalize(total, dim=1)

    return SentenceVectors().eval()
