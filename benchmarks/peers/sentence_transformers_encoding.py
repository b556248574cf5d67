"""sentence-transformers on torch; bfloat16 by weights of that type, which is faster than autocast."""

import sentence_transformers
import torch

from benchmarks.peers import gigaflops
from benchmarks.peers.encoding import Encoding


class SentenceTransformers(Encoding):
    def make(self, dtype):
        kind = {"torch_dtype": getattr(torch, dtype)}
        model = sentence_transformers.SentenceTransformer(self.model, device="cpu", model_kwargs=kind)

        def encode(texts, batch_size):
            vectors = model.encode(texts, batch_size=batch_size, show_progress_bar=False, convert_to_tensor=True)
            return vectors.float().numpy()

        return encode

    def matmul(self, dtype, size):
        a = torch.randn(size, size).to(getattr(torch, dtype))
        return gigaflops(lambda: a @ a, size)
