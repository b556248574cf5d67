"""Converts BERT weights: TF1 checkpoint, TF Hub module, Hugging Face or Bertline folder -> Hugging Face or TF1.

The result is loaded again, and the largest difference of the encoder's outputs is reported.
"""

import os

from absl import app, flags

import errors
from errors import InputError

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "init_checkpoint",
    None,
    "What to convert: a TensorFlow checkpoint (bert_model.ckpt), a Hugging Face folder, an output folder of Bertline, "
    "a SavedModel folder or a TensorFlow Hub handle.",
)
flags.DEFINE_string("output_dir", None, "Folder for the converted weights.")
flags.DEFINE_enum("format", "huggingface", ["huggingface", "tf1"], "What to write.")
flags.DEFINE_string("bert_config_file", None, "By default the one beside the weights.")
flags.DEFINE_string("vocab_file", None, "By default the one beside the weights.")
flags.DEFINE_boolean("do_lower_case", None, "By default as saved beside the vocabulary, or as the vocabulary shows.")
flags.DEFINE_string("encoder", "bert", "Registered name of the encoder.")
flags.DEFINE_boolean("overwrite_output_dir", False, "Replace weights that are in --output_dir already.")

# Entries of config.json that belong to a head and go with it.
LABELS = ("id2label", "label2id", "problem_type")


class WithHeads:
    """An encoder and the heads found with it, as the writers want them."""

    def __init__(self, encoder, head_names):
        self.encoder, self.head_names, self.arrays, self.absent = encoder, head_names, {}, set()

    def named_weights(self):
        weights = self.encoder.named_weights()
        return {name: weights[name] for name in weights if name not in self.absent} | self.arrays

    def huggingface_names(self):
        return self.encoder.huggingface_names() | self.head_names


def main(_):
    for name in ("init_checkpoint", "output_dir"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is needed; see --help")
    target = os.path.join(FLAGS.output_dir, "model.safetensors" if FLAGS.format == "huggingface" else "bert_model.ckpt")
    if any(os.path.exists(target + end) for end in ("", ".index")) and not FLAGS.overwrite_output_dir:
        raise InputError(f"{target}: exists; give another --output_dir, or --overwrite_output_dir")

    import registry
    from modeling.objective import HEADS
    from training import weights

    source = weights.open_weights(FLAGS.init_checkpoint)
    encoder_class = registry.get("encoder", FLAGS.encoder)
    config = _read_config(encoder_class.config_class, source)
    tokenizer = _read_tokenizer(source, config)
    encoder = _built(encoder_class, config)
    model = WithHeads(encoder, HEADS)
    # Masked-LM and question-answering models of Hugging Face have no pooler.
    report = weights.load_weights(model, source, allow_missing=".*pooler.*")
    model.absent = set(report.missing)
    model.arrays = {name: t.read() for name, t in source.canonical(model).items() if name in HEADS}
    report.unused = [name for name in report.unused if name not in model.arrays]
    print(report.table())
    print("heads carried along: " + (", ".join(model.arrays) or "none"))

    labels = {key: value for key, value in (source.config or {}).items() if key in LABELS}
    if FLAGS.format == "huggingface":
        weights.save_huggingface(model, FLAGS.output_dir, tokenizer, labels)
    else:
        weights.save_tf1(model, target, tokenizer, labels)

    again = weights.open_weights(FLAGS.output_dir if FLAGS.format == "huggingface" else target)
    result = _built(encoder_class, encoder_class.config_class.from_dict(again.config))
    weights.load_weights(result, again, allow_missing=".*pooler.*")
    for output, difference in _differences(encoder, result, config).items():
        if output != "pooled_output" or not model.absent:
            print(f"largest difference of {output}: {difference:.3g}")
    if FLAGS.format == "tf1" and getattr(config, "hidden_act", None) == "gelu":
        print("note: this model has the exact gelu, the original program an approximation; Bertline keeps it exact")
    print(f"written: {target}")


def _read_config(config_class, source):
    if FLAGS.bert_config_file:
        return config_class.from_json_file(FLAGS.bert_config_file)
    if source.config is None:
        raise InputError(f"{source.path}: no bert_config.json or config.json beside it; give --bert_config_file")
    try:
        return config_class.from_dict(source.config)
    except InputError as error:
        raise InputError(f"{source.path}: {error}") from error


def _read_tokenizer(source, config):
    from processors import tokenization

    place = FLAGS.vocab_file or source.vocab_folder
    if not place:
        print("no vocabulary beside the weights, none is written; --vocab_file gives one")
        return None
    tokenizer = tokenization.load_tokenizer(place, FLAGS.do_lower_case)
    if tokenizer.vocab_size > config.vocab_size:
        raise InputError(
            f"{place}: {tokenizer.vocab_size} tokens, the config's vocab_size is "
            f"{config.vocab_size}; give the --vocab_file that belongs to the checkpoint"
        )
    return tokenizer


def _built(encoder_class, config):
    encoder = encoder_class(config)
    encoder.build()
    return encoder


def _differences(before, after, config):
    """Output name -> largest absolute difference on random tokens, with padding and two segments."""
    import numpy as np

    draw = np.random.default_rng(0)
    shape = (4, min(32, config.max_position_embeddings))
    lengths = draw.integers(1, shape[1] + 1, [shape[0], 1])
    features = {
        "input_ids": draw.integers(0, config.vocab_size, shape, np.int32),
        "input_mask": (np.arange(shape[1]) < lengths).astype(np.int32),
        "segment_ids": draw.integers(0, config.type_vocab_size, shape, np.int32),
    }
    one, other = before(features), after(features)
    real = features["input_mask"][:, :, None]
    return {
        "sequence_output": np.max(np.abs(one["sequence_output"] - other["sequence_output"]) * real),
        "pooled_output": np.max(np.abs(one["pooled_output"] - other["pooled_output"])),
    }


def parsed(argv):
    """Flag errors are bad input like any other: one line, exit status 2."""
    try:
        return FLAGS(argv)
    except flags.Error as error:
        raise InputError(str(error).replace("\n", " ")) from error


if __name__ == "__main__":
    with errors.reported():
        app.run(main, flags_parser=parsed)
