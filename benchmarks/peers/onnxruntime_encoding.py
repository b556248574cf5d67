"""ONNX Runtime, float32, from torch's export; sorted batches."""

import os
import tempfile

import numpy as np
import onnxruntime

from benchmarks.peers.encoding import Encoding, sorted_batches, tokenizer, torch_model


class OnnxRuntime(Encoding):
    def make(self, dtype):
        import torch

        names = ["input_ids", "attention_mask", "token_type_ids"]
        example = tuple(torch.ones([2, 8], dtype=torch.int64) for _ in names)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            torch.onnx.export(
                torch_model(self.model),
                example,
                path,
                input_names=names,
                output_names=["vectors"],
                dynamo=False,
                dynamic_axes={name: {0: "rows", 1: "tokens"} for name in names},
                opset_version=17,
            )
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = len(os.sched_getaffinity(0))
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        tokens = tokenizer(self.model)

        def encode(texts, batch_size):
            vectors = None
            for rows, arrays in sorted_batches(tokens.encode_batch(texts), batch_size):
                [found] = session.run(None, dict(zip(names, arrays)))
                vectors = np.empty([len(texts), found.shape[1]], np.float32) if vectors is None else vectors
                vectors[rows] = found
            return vectors

        return encode
