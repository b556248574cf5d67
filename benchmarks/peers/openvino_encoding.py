"""OpenVINO, from torch's model: asynchronous requests for many texts, the latency hint for one; sorted batches."""

import numpy as np
import openvino

from benchmarks.peers.encoding import Encoding, sorted_batches, tokenizer, torch_model

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVino(Encoding):
    def make(self, dtype):
        import torch

        example = tuple(torch.ones([2, 8], dtype=torch.int64) for _ in range(3))
        converted = openvino.convert_model(torch_model(self.model), example_input=example)

        def compiled(hint):
            settings = {"INFERENCE_PRECISION_HINT": PRECISIONS[dtype], "PERFORMANCE_HINT": hint}
            return openvino.compile_model(converted, "CPU", settings)

        many, one, tokens = compiled("THROUGHPUT"), compiled("LATENCY"), tokenizer(self.model)

        def encode(texts, batch_size):
            batches = sorted_batches(tokens.encode_batch(texts), batch_size)
            if len(texts) == 1:
                return next(one(arrays)[0] for _, arrays in batches)
            vectors = np.empty([len(texts), many.output(0).partial_shape[1].get_length()], np.float32)

            def done(request, rows):
                vectors[rows] = request.get_output_tensor(0).data

            queue = openvino.AsyncInferQueue(many)
            queue.set_callback(done)
            for rows, arrays in batches:
                queue.start_async(dict(enumerate(arrays)), rows)
            queue.wait_all()
            return vectors

        return encode
