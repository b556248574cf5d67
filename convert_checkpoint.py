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


def main(_):
    for name in ("init_checkpoint", "output_dir"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is needed; see --help")
    target = os.path.join(FLAGS.output_dir, "model.safetensors" if FLAGS.format == "huggingface" else "bert_model.ckpt")
    if any(os.path.exists(target + end) for end in ("", ".index")) and not FLAGS.overwrite_output_dir:
        raise InputError(f"{target}: exists; give another --output_dir, or --overwrite_output_dir")

    import registry
    from training import conversion, weights

    source = weights.open_weights(FLAGS.init_checkpoint)
    encoder_class = registry.get("encoder", FLAGS.encoder)
    config = conversion.read_config(encoder_class, source, FLAGS.bert_config_file)
    tokenizer = _read_tokenizer(source, config)
    encoder = conversion.built(encoder_class, config)
    model, report = conversion.read_model(encoder, source)
    print(report.table())
    print("heads carried along: " + (", ".join(model.arrays) or "none"))

    if FLAGS.format == "huggingface":
        weights.save_huggingface(model, FLAGS.output_dir, tokenizer, model.labels)
    else:
        weights.save_tf1(model, target, tokenizer, model.labels)

    again = weights.open_weights(FLAGS.output_dir if FLAGS.format == "huggingface" else target)
    result = conversion.built(encoder_class, conversion.read_config(encoder_class, again))
    weights.load_weights(result, again, allow_missing=".*pooler.*")
    for output, difference in conversion.largest_differences(encoder, result, config, config.vocab_size).items():
        if output != "pooled_output" or not model.absent:
            print(f"largest difference of {output}: {difference:.3g}")
    if FLAGS.format == "tf1" and getattr(config, "hidden_act", None) == "gelu":
        print("note: this model has the exact gelu, the original program an approximation; Bertline keeps it exact")
    print(f"written: {target}")


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


def parsed(argv):
    """Flag errors are bad input like any other: one line, exit status 2."""
    try:
        return FLAGS(argv)
    except flags.Error as error:
        raise InputError(str(error).replace("\n", " ")) from error


if __name__ == "__main__":
    with errors.reported():
        app.run(main, flags_parser=parsed)
