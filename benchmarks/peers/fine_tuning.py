"""The training loop that scores of fine-tuning are compared with: transformers on torch, as its Trainer does it.

AdamW with bias correction, weight decay 0.01 (not of biases and layer norms), linear warm-up and linear decay,
gradients clipped to a norm of 1.
"""

import sys
import time

import numpy as np
import torch
import transformers

from benchmarks.peers import MAX_GRAD_NORM, huggingface


def fine_tune(model, rows, make_tensors, seed, count, given):
    """Trains a model of transformers; returns rows per second.

    Args:
      rows: to train on, dicts with `input_ids`. make_tensors: list of rows -> what the model takes.
      count: int, of the examples that the rows are of, by which our scripts count their steps too.
      given: the values of benchmarks.score_flags.
    """
    optimizer = torch.optim.AdamW(huggingface.parameter_groups(model), lr=given.learning_rate, fused=True)
    total = int(count / given.train_batch_size * given.num_train_epochs)
    warmup = int(total * given.warmup_proportion)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, warmup, total)
    steps, started = min(total, given.max_steps or total), time.perf_counter()
    batches = _batches(rows, np.random.default_rng(seed), given.train_batch_size, given.length_pool_batches)
    model.train()
    for step in range(1, steps + 1):
        with huggingface.autocast(given.dtype):
            loss = model(**make_tensors(next(batches))).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"  seed {seed}, step {step} of {steps}: loss {loss.item():.4f}", file=sys.stderr, flush=True)
    return steps * given.train_batch_size / (time.perf_counter() - started)


def _batches(rows, draw, size, pool_batches):
    """Endless lists of rows: passes in random order, sorted by length within each pool of batches."""
    lengths, left = np.array([len(row["input_ids"]) for row in rows]), np.array([], int)
    while True:
        left = np.concatenate([left, draw.permutation(len(rows))])
        whole = len(left) - len(left) % size
        taken, left = left[:whole], left[whole:]
        if pool_batches > 1:
            pools = np.split(taken, range(size * pool_batches, whole, size * pool_batches))
            taken = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
        batches = taken.reshape(-1, size)
        for batch in draw.permutation(batches) if pool_batches > 1 else batches:
            yield [rows[i] for i in batch]
