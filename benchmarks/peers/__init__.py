"""One module for each side that is measured; each imports its own framework.

A side is made from (Batches, folder of the weights) and has, for dtype "float32" or "bfloat16":
  first_loss(dtype): the mean loss of the first training batch, without dropout;
  train(dtype, order): one pass over the training batches, an optimizer step each;
  evaluate(dtype, order): predictions and loss of the evaluation batches;
  matmul(dtype, size): GFLOP/s of a bare product of two square matrices.
Pre-training has nothing to evaluate, and its orders of batches are lengths: "128".

A side that encodes texts is made from (name -> texts, folder) and has:
  vectors(dtype, name, batch_size, count): sentence vectors of the first texts; the number of texts where count is 0;
  latencies(dtype, text, count): seconds of each of `count` calls with one text;
  matmul(dtype, size).
All train by AdamW at a rate of 5e-5, weight decay 0.01 (not of biases and layer norms), gradients clipped to a norm of
1.
"""

import time

LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 5e-5, 0.01, 1.0
MATMUL_SECONDS = 1.0


def gigaflops(product, size):
    """GFLOP/s of `product()`, which multiplies two matrices [size, size] and returns when it is done."""
    product()
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < MATMUL_SECONDS:
        product()
        count += 1
    return 2 * size**3 * count / (time.perf_counter() - started) / 1e9
