"""Converts weights: TF1 checkpoint, TF Hub module, Hugging Face folder, word vectors, ... -> Hugging Face or TF1.

The result is loaded again, and the largest difference of the encoder's outputs is reported.
"""

from bertline import errors, registry
from bertline.common import console
from bertline.errors import InputError
from bertline.settings import flags
from bertline.settings.scripts import convert_checkpoint
from bertline.training.folder import run_folder


def main(_):
    with errors.report_errors("the conversion is not finished; --overwrite_output_dir replaces what it has written"):
        run = flags.read(convert_checkpoint.ConversionSettings)
        convert_checkpoint.check(run)
        with run_folder.lock(run.output_dir):
            # TensorFlow is imported only now that flags are known to be good.
            console.import_tensorflow()
            convert(run)


def convert(run):
    """Reads, writes, reads again and compares."""
    from bertline.weights import conversion, load_save, open_model

    source = load_save.open_weights(run.init_checkpoint)
    tokenizer = read_tokenizer(run, source)
    if source.words is not None:
        source = source.for_vocabulary(conversion.words_of(tokenizer))
    encoder_class = registry.get("encoder", run.encoder or conversion.model_type(source, run.bert_config_file))
    config = conversion.read_config(encoder_class, source, run.bert_config_file)
    check_vocabulary(run, source, tokenizer, config)
    open_model.add_tokenizers_of_parts(tokenizer, config, source, run.vocab_file)
    encoder = conversion.build(encoder_class, config)
    model, report = conversion.read_model(encoder, source)
    print(report.table())
    report.warn()
    if run.cache_words or run.token_embeddings_file:
        encoder = conversion.with_table_of_words(encoder, tokenizer, run.token_embeddings_file)
        config, model = encoder.config, conversion.WithHeads(encoder)
    written = registry.get("weight_format", run.format)
    left = written.without_room(model)
    print("heads carried along: " + (", ".join(name for name in sorted(model.arrays) if name not in left) or "none"))
    if left:
        print(f"left out, since {run.format} has no room for them: {', '.join(left)}")
    written.save(model, run.target, tokenizer, model.labels)

    again = load_save.open_weights(run.target)
    result = conversion.build(encoder_class, conversion.read_config(encoder_class, again))
    load_save.load_weights(result, again, allow_missing=result.optional_weights)
    for output, difference in conversion.largest_differences(encoder, result, config, rows_of(config)).items():
        if output != "pooled_output" or not model.absent:
            print(f"largest difference of {output}: {difference:.3g}")
    if remark := written.remark(config):
        print(f"note: {remark}")
    print(f"written: {run.target}")


def rows_of(config):
    """How many tokens the encoder has a row for; None where it looks none up."""
    return config.id_limits().get("input_ids", (None, None))[1]


def read_tokenizer(run, source):
    """The tokenizer to write beside the weights; None where no vocabulary is known."""
    from bertline.processors import tokenization
    from bertline.weights import conversion

    place = run.vocab_file or source.vocab_folder
    if place:
        return tokenization.load_tokenizer(place, run.do_lower_case)
    if source.words is not None:
        return tokenization.tokenizer_of_words(conversion.storable_words(source), source.path, run.do_lower_case)
    print("no vocabulary beside the weights, none is written; --vocab_file gives one")
    return None


def check_vocabulary(run, source, tokenizer, config):
    """Raises InputError where a vocabulary has more tokens than the configuration."""
    if tokenizer and rows_of(config) is not None and tokenizer.vocab_size > rows_of(config):
        raise InputError(
            f"{run.vocab_file or source.vocab_folder}: {tokenizer.vocab_size} tokens, the config's vocab_size is "
            f"{rows_of(config)}; give the --vocab_file that belongs to the checkpoint"
        )


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(convert_checkpoint.ConversionSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
