"""Trains a WordPiece vocabulary or a SentencePiece model on text, or adds the words of a domain to a vocabulary.

python build_vocab.py --input_file='corpus/*.txt' --output_file=vocabulary/vocab.txt
python build_vocab.py --input_file='corpus/*.txt' --output_file=vocabulary/spiece.model --model_type=unigram
python build_vocab.py --input_file='domain/*.txt.gz' --extend=bert/vocab.txt --num_new_tokens=1000 \\
  --init_checkpoint=bert/bert_model.ckpt --output_dir=extended
"""

import dataclasses
import logging
import os
import shlex

import console
import errors
from errors import InputError
from training import flags
from training.settings import setting

# The released vocabularies have 99 unused entries before [UNK]; in a small one they would take too much room.
UNUSED, UNUSED_FROM_SIZE = 99, 2000
SHOWN = 10
OF_WORDPIECE = ("min_frequency", "limit_alphabet", "num_unused_tokens")
OF_EXTENSION = ("num_new_tokens", "use_unused", "init_checkpoint", "output_dir")
OF_TRAINING = ("model_type", "vocab_size", "limit_alphabet", "character_coverage", "num_unused_tokens")


@dataclasses.dataclass(frozen=True, kw_only=True)
class VocabularySettings:
    input_file: str | None = setting(None, "Text: files or patterns, comma-separated; UTF-8, plain or gzip.")
    output_file: str | None = setting(
        None,
        "FOLDER/vocab.txt, or FOLDER/spiece.model for unigram and bpe. tokenizer_config.json is written beside it, so "
        "that the casing is known from then on: one vocabulary per folder.",
    )
    overwrite: bool = setting(False, "Replace files that are there.")
    model_type: str = setting("wordpiece", "wordpiece, or unigram or bpe for a SentencePiece model.")
    vocab_size: int = setting(30522, "Entries of the vocabulary; fewer where the text has no more pieces.")
    do_lower_case: bool = setting(
        True,
        "Whether to lower case the text, and strip accents. With --extend: by default as saved with the vocabulary.",
    )
    min_frequency: int = setting(2, "How often a piece (of wordpiece), or a new word of --extend, occurs at least.")
    character_coverage: float = setting(
        1.0, "Share of the running text whose characters get an entry; 0.9995 leaves rare ones unknown."
    )
    limit_alphabet: int | None = setting(None, "Wordpiece: at most so many different characters get an entry.")
    num_unused_tokens: int | None = setting(
        None,
        f"Wordpiece: [unused0]... between [PAD] and [UNK]. By default {UNUSED}, so that special tokens have BERT's ids "
        f"([PAD] 0, [UNK] 100, [CLS] 101, [SEP] 102, [MASK] 103), and 0 with --vocab_size below {UNUSED_FROM_SIZE} "
        "(ids 0 to 4).",
    )
    extend: str | None = setting(None, "A WordPiece vocabulary to add the corpus's words to: file or folder.")
    num_new_tokens: int = setting(1000, "With --extend: words to add at most.")
    use_unused: bool = setting(False, "With --extend: replace [unused0]... first, before entries are added at the end.")
    init_checkpoint: str | None = setting(
        None, "With --extend: weights of the old vocabulary, in any format; new rows are the mean of the old pieces'."
    )
    output_dir: str | None = setting(None, "With --init_checkpoint: folder for the weights with the new rows.")

    @classmethod
    def without_meaning(cls):
        return ()


def main(_):
    with errors.reported():
        logging.getLogger().setLevel(logging.INFO)
        settings = flags.read(VocabularySettings)
        check(settings)
        if settings.extend:
            extend(settings)
        else:
            train(settings)


def check(settings):
    """Raises InputError for flags that are missing, wrong or do not belong together, and for outputs that are there."""
    if not settings.input_file:
        raise InputError("--input_file is needed: text files or patterns, comma-separated")
    if not settings.output_file and not settings.output_dir:
        raise InputError("--output_file is needed, as vocabulary/vocab.txt")
    if settings.model_type not in ("wordpiece", "unigram", "bpe"):
        raise InputError(f"--model_type={settings.model_type}: one of wordpiece, unigram, bpe is needed")
    flags.check_positive(settings, "vocab_size", "min_frequency", "num_new_tokens", "character_coverage")
    if settings.character_coverage > 1:
        raise InputError(f"--character_coverage={settings.character_coverage}: a share, at most 1, is needed")
    if settings.limit_alphabet is not None:
        flags.check_positive(settings, "limit_alphabet")
    if (settings.num_unused_tokens or 0) < 0:
        raise InputError(f"--num_unused_tokens={settings.num_unused_tokens}: 0 or more is needed")
    if bool(settings.init_checkpoint) != bool(settings.output_dir):
        raise InputError("--init_checkpoint and --output_dir belong together: what to extend, and where to write it")
    _refuse(OF_TRAINING if settings.extend else OF_EXTENSION, "with" if settings.extend else "without", "--extend")
    if settings.model_type != "wordpiece":
        _refuse(OF_WORDPIECE, "with", f"--model_type={settings.model_type}")
    _check_outputs(settings)


def _refuse(names, how, other):
    for name in names:
        if flags.given(name):
            raise InputError(f"--{name} has no meaning {how} {other}; leave it out")


def _check_outputs(settings):
    from training import run_folder

    kind = ".txt" if settings.model_type == "wordpiece" else ".model"
    paths = []
    if settings.output_file:
        folder, name = os.path.split(settings.output_file)
        if not name.endswith(kind) or name == kind:
            raise InputError(f"--output_file={settings.output_file}: a name that ends in {kind} is needed")
        paths += [settings.output_file, os.path.join(folder, "tokenizer_config.json")]
    if settings.output_dir:
        names = ("model.safetensors", "config.json", "vocab.txt", "tokenizer_config.json")
        paths += [os.path.join(settings.output_dir, name) for name in names]
    for path in paths:
        if os.path.exists(path) and not settings.overwrite:
            raise InputError(f"{path}: exists; give another folder, or --overwrite to replace it")
        try:
            run_folder.check_writable(os.path.dirname(path) or ".")
        except InputError as error:
            raise InputError(f"{path}: {str(error).partition(': ')[2]}") from error


def count(settings, splitter):
    """Word -> how often it occurs in --input_file."""
    from processors.documents import Corpus, find_files
    from processors.vocabulary.words import count_words

    files = find_files(settings.input_file)
    corpus = Corpus(files)
    counts = count_words((line for path in files for line in corpus.lines(path)), splitter)
    logging.info("%d files, %d running words, %d different ones", len(files), counts.total(), len(counts))
    return counts


def train(settings):
    """Trains and writes a vocabulary, and says how it covers the corpus."""
    from processors.tokenization import casing
    from processors.vocabulary import sentencepiece, wordpiece
    from processors.vocabulary.words import BasicWords, PreparedWords

    if settings.model_type == "wordpiece":
        counts = count(settings, BasicWords(settings.do_lower_case))
        unused = settings.num_unused_tokens
        if unused is None:
            unused = UNUSED if settings.vocab_size >= UNUSED_FROM_SIZE else 0
        entries = wordpiece.train(
            counts, settings.vocab_size, settings.min_frequency, unused, settings.limit_alphabet,
            settings.character_coverage,
        )  # fmt: skip
        if not settings.do_lower_case and casing(entries) == "uncased":
            logging.warning(
                "the corpus has no upper-case letter: the other scripts take such a vocabulary for an uncased one and "
                "refuse --do_lower_case=False with it; use --do_lower_case=True, which also strips accents"
            )
        tokenizer = wordpiece.save(entries, settings.output_file, settings.do_lower_case)
    else:
        counts = count(settings, PreparedWords(settings.do_lower_case))
        model = sentencepiece.train(counts, settings.vocab_size, settings.model_type, settings.character_coverage)
        tokenizer = sentencepiece.save(model, settings.output_file, settings.do_lower_case)
    print(f"vocabulary: {tokenizer.vocab_size} entries", *_coverage(counts, tokenizer), sep="\n")
    print(f"written: {settings.output_file}")
    print(
        f"next: python create_pretraining_data.py --input_file={shlex.quote(settings.input_file)} "
        f"--vocab_file={settings.output_file} --do_lower_case={settings.do_lower_case} --output_file=pretraining/data"
    )


def extend(settings):
    """Adds words to a vocabulary, and rows to its checkpoint."""
    from processors.text_files import read_lines
    from processors.tokenization import FullTokenizer, load_tokenizer
    from processors.vocabulary import extension, wordpiece
    from processors.vocabulary.words import BasicWords

    old = load_tokenizer(settings.extend, settings.do_lower_case if flags.given("do_lower_case") else None)
    if not isinstance(old, FullTokenizer):
        raise InputError(f"--extend={settings.extend}: a WordPiece vocabulary (vocab.txt) is needed; train a new model")
    checkpoint = _checkpoint(settings, old.vocab_size) if settings.init_checkpoint else None
    counts = count(settings, BasicWords(old.do_lower_case))
    entries = [line.strip() for line in read_lines(old.vocab_file)]
    result = extension.extend(entries, counts, settings.num_new_tokens, settings.min_frequency, settings.use_unused)
    if not result.new_words:
        raise InputError(
            f"--extend={settings.extend}: no word to add: each that occurs {settings.min_frequency} times is one piece"
        )
    path = settings.output_file or os.path.join(settings.output_dir, "vocab.txt")
    new = wordpiece.save(result.entries, path, old.do_lower_case)
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
    from training.vocabulary_rows import Checkpoint

    checkpoint = Checkpoint(settings.init_checkpoint, vocab_size)
    logging.info("%s", checkpoint.report.table())
    return checkpoint


def _coverage(counts, tokenizer):
    from processors.vocabulary.coverage import coverage

    return [f"  {line}" for line in coverage(counts, tokenizer).lines()]


if __name__ == "__main__":
    flags.define(VocabularySettings)
    flags.run(main)
