"""Trains a vocabulary of word pieces or words or a SentencePiece model, or adds the words of a domain to a vocabulary.

python build_vocab.py --input_file='corpus/*.txt' --output_file=vocabulary/vocab.txt
python build_vocab.py --input_file='corpus/*.txt' --output_file=vocabulary/spiece.model --model_type=unigram
python build_vocab.py --input_file='domain/*.txt.gz' --extend=bert/vocab.txt --num_new_tokens=1000 \\
  --init_checkpoint=bert/bert_model.ckpt --output_dir=extended
"""

import logging
import os
import shlex

from bertline import errors
from bertline.common import console
from bertline.errors import InputError
from bertline.settings import flags
from bertline.settings.scripts.build_vocab import UNUSED, UNUSED_FROM_SIZE, VocabularySettings, check, with_defaults

SHOWN = 10  # new words


def main(_):
    with errors.report_errors("not finished; the same command starts anew, with --overwrite where it wrote a file"):
        logging.getLogger().setLevel(logging.INFO)
        settings = with_defaults(flags.read(VocabularySettings))
        check(settings)
        if settings.extend:
            extend(settings)
        else:
            train(settings)


def count(settings, splitter):
    """Word -> how often it occurs in --input_file."""
    from bertline.processors.files.paths import find_files
    from bertline.processors.text.documents import Corpus
    from bertline.processors.vocabulary.words import count_words

    files = find_files(settings.input_file)
    corpus = Corpus(files, encoding=settings.encoding)
    counts = count_words((line for path in files for line in corpus.lines(path)), splitter)
    logging.info("%d files, %d running words, %d different ones", len(files), counts.total(), len(counts))
    if corpus.nul_bytes:
        logging.warning("%d NUL bytes were dropped", corpus.nul_bytes)
    return counts


def train(settings):
    """Trains and writes a vocabulary, and says how it covers the corpus."""
    counts, tokenizer = TRAINERS[settings.model_type](settings)
    print(f"vocabulary: {tokenizer.vocab_size} entries", *_coverage(counts, tokenizer), sep="\n")
    print(f"written: {settings.output_file}")
    print(
        f"next: python create_pretraining_data.py --input_file={shlex.quote(settings.input_file)} "
        f"--vocab_file={settings.output_file} --do_lower_case={settings.do_lower_case} --output_file=pretraining/data"
    )


def _wordpiece(settings):
    from bertline.processors.tokenization import casing
    from bertline.processors.vocabulary import wordpiece
    from bertline.processors.vocabulary.words import BasicWords

    counts = count(settings, BasicWords(settings.do_lower_case))
    unused = settings.num_unused_tokens
    if unused is None:
        unused = UNUSED if settings.vocab_size >= UNUSED_FROM_SIZE else 0
    entries = wordpiece.train(
        counts,
        settings.vocab_size,
        settings.min_frequency,
        unused,
        settings.limit_alphabet,
        settings.character_coverage,
    )
    if not settings.do_lower_case and casing(entries) == "uncased":
        logging.warning(
            "the corpus has no upper-case letter: the other scripts take such a vocabulary for an uncased one and "
            "refuse --do_lower_case=False with it; use --do_lower_case=True, which also strips accents"
        )
    return counts, wordpiece.save(entries, settings.output_file, settings.do_lower_case)


def _words(settings):
    from bertline.processors.vocabulary import whole_words

    special = whole_words.SPECIAL[settings.special_tokens]
    words = whole_words.settings_of(special, settings.split, settings.do_lower_case)
    counts = count(settings, whole_words.splitter(words))
    entries = whole_words.train(counts, settings.vocab_size, settings.min_frequency, special)
    return counts, whole_words.save(entries, settings.output_file, words)


def _sentence_pieces(settings):
    from bertline.processors.vocabulary import sentencepiece
    from bertline.processors.vocabulary.words import PreparedWords

    counts = count(settings, PreparedWords(settings.do_lower_case))
    model = sentencepiece.train(counts, settings.vocab_size, settings.model_type, settings.character_coverage)
    return counts, sentencepiece.save(model, settings.output_file, settings.do_lower_case)


TRAINERS = {"wordpiece": _wordpiece, "words": _words, "unigram": _sentence_pieces, "bpe": _sentence_pieces}


def extend(settings):
    """Adds words to a vocabulary, and rows to its checkpoint."""
    from bertline.processors.tokenization import load_tokenizer
    from bertline.processors.vocabulary import extension, wordpiece
    from bertline.processors.vocabulary.words import BasicWords

    old = load_tokenizer(settings.extend, settings.do_lower_case if flags.is_given("do_lower_case") else None)
    if not old.can_grow:
        raise InputError(f"--extend={settings.extend}: a WordPiece vocabulary (vocab.txt) is needed; train a new model")
    if old.vocab_size > len(old.settings.tokens):
        raise InputError(
            f"--extend={settings.extend}: it has added tokens, whose ids are those that new words would get"
        )
    checkpoint = _checkpoint(settings, old.vocab_size) if settings.init_checkpoint else None
    counts = count(settings, BasicWords(basic=old.basic_tokenizer))
    entries = list(old.settings.tokens)
    result = extension.extend(
        entries, counts, settings.num_new_tokens, settings.min_frequency, settings.use_unused, old.wordpiece_tokenizer
    )
    if not result.new_words:
        raise InputError(
            f"--extend={settings.extend}: no word to add: each that occurs {settings.min_frequency} times is one piece"
        )
    path = settings.output_file or os.path.join(settings.output_dir, "vocab.txt")
    new = wordpiece.save(result.entries, path, settings=old.settings)
    print(f"{len(result.new_words)} new words, {new.vocab_size} entries; the first of them:")
    for word in result.new_words[:SHOWN]:
        print(f"  {word.id} {word.word} ({word.count}): {' '.join(entries[i] for i in word.piece_ids)}")
    print("before:", *_coverage(counts, old), sep="\n")
    print("after:", *_coverage(counts, new), sep="\n")
    print(f"{result.resplit} running words begin with a new word and are split in another way than before")
    print(f"written: {path}")
    if checkpoint:
        rows = {word.id: word.piece_ids for word in result.new_words}
        difference = checkpoint.write(settings.output_dir, rows, new)
        print(f"written: {settings.output_dir}; largest difference of the output for old tokens: {difference:.3g}")
        print(f"next: python run_pretraining.py --init_checkpoint={settings.output_dir} (or run_classifier.py)")


def _checkpoint(settings, vocab_size):
    console.import_tensorflow()
    from bertline.weights.vocabulary_rows import Checkpoint

    checkpoint = Checkpoint(settings.init_checkpoint, vocab_size)
    checkpoint.report.log()
    return checkpoint


def _coverage(counts, tokenizer):
    from bertline.processors.vocabulary.coverage import coverage

    return [f"  {line}" for line in coverage(counts, tokenizer).lines()]


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(VocabularySettings)
    flags.run(main)


if __name__ == "__main__":
    command()
