"""What build_vocab.py takes; checked without TensorFlow."""

import dataclasses
import os

from bertline.errors import InputError
from bertline.settings import flags
from bertline.settings.base import ENCODING, PATH, PATHS, Settings, setting
from bertline.training.folder import run_folder

# The released vocabularies have 99 unused entries before [UNK]; in a small one they would take too much room.
UNUSED, UNUSED_FROM_SIZE = 99, 2000
# --model_type -> the ending of its file, and the flags of some that it takes.
MODEL_TYPES = {
    "wordpiece": (".txt", ("min_frequency", "limit_alphabet", "num_unused_tokens", "character_coverage")),
    "words": (".txt", ("min_frequency", "special_tokens", "split")),
    "unigram": (".model", ("character_coverage",)),
    "bpe": (".model", ("character_coverage",)),
}
OF_SOME = ("min_frequency", "limit_alphabet", "num_unused_tokens", "character_coverage", "special_tokens", "split")
SPECIAL_TOKENS, SPLITS = ("bert", "bilm"), ("basic", "white_space", "characters")
OF_EXTENSION = ("num_new_tokens", "use_unused", "init_checkpoint", "output_dir")
OF_TRAINING = ("model_type", "vocab_size", "limit_alphabet", "character_coverage", "num_unused_tokens")


@dataclasses.dataclass(frozen=True, kw_only=True)
class VocabularySettings(Settings):
    """The flags of build_vocab.py."""

    input_file: str | None = setting(
        None, "Text: files or patterns, comma-separated; UTF-8, plain or gzip.", holds=PATHS
    )
    encoding: str = setting("utf-8", ENCODING)
    output_file: str | None = setting(
        None,
        "FOLDER/vocab.txt, or FOLDER/spiece.model for unigram and bpe. tokenizer_config.json is written beside it, so "
        "that the casing is known from then on: one vocabulary per folder.",
        holds=PATH,
    )
    overwrite: bool = setting(False, "Replace files that are there.")
    model_type: str = setting(
        "wordpiece", "wordpiece, words for whole words, or unigram or bpe for a SentencePiece model."
    )
    vocab_size: int = setting(30522, "Entries of the vocabulary; fewer where the text has no more pieces.")
    do_lower_case: bool = setting(
        True,
        "Whether to lower case the text, and strip accents. With --extend: by default as saved with the vocabulary.",
    )
    min_frequency: int = setting(
        2, "How often a piece (of wordpiece), a word (of words), or a new word of --extend, occurs at least."
    )
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
    special_tokens: str = setting(
        "bert",
        "Words: bert, [PAD] [UNK] [CLS] [SEP] [MASK]; or bilm, <S> </S> <UNK>, for --objective=bidirectional_lm, with "
        "words that keep their case and are split at white space, unless told otherwise.",
    )
    split: str = setting(
        "basic", "Words: how texts are cut: basic, as BERT's before it looks for pieces; white_space; characters."
    )
    extend: str | None = setting(
        None, "A WordPiece vocabulary to add the corpus's words to: file or folder.", holds=PATH
    )
    num_new_tokens: int = setting(1000, "With --extend: words to add at most.")
    use_unused: bool = setting(False, "With --extend: replace [unused0]... first, before entries are added at the end.")
    init_checkpoint: str | None = setting(
        None,
        "With --extend: weights of the old vocabulary, in any format; new rows are the mean of the old pieces'.",
        holds=PATH,
    )
    output_dir: str | None = setting(
        None, "With --init_checkpoint: folder for the weights with the new rows.", holds=PATH
    )


def with_defaults(settings):
    """The settings, with what special tokens of bilm-tf mean for flags that are not given."""
    own = {"do_lower_case": False, "split": "white_space"} if settings.special_tokens == "bilm" else {}
    return dataclasses.replace(settings, **{name: value for name, value in own.items() if not flags.is_given(name)})


def check(settings):
    """Raises InputError for flags that are missing, wrong or do not belong together, and for outputs that are there."""
    if not settings.input_file:
        raise InputError("--input_file is needed: text files or patterns, comma-separated")
    if not settings.output_file and not settings.output_dir:
        raise InputError("--output_file is needed, as vocabulary/vocab.txt")
    flags.check_choice(settings, "model_type", MODEL_TYPES)
    flags.check_choice(settings, "special_tokens", SPECIAL_TOKENS)
    flags.check_choice(settings, "split", SPLITS)
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
    _, taken = MODEL_TYPES[settings.model_type]
    _refuse([name for name in OF_SOME if name not in taken], "with", f"--model_type={settings.model_type}")
    _check_outputs(settings)


def _refuse(names, how, other):
    for name in names:
        if flags.is_given(name):
            raise InputError(f"--{name} has no meaning {how} {other}; leave it out")


def _check_outputs(settings):
    ending, _ = MODEL_TYPES[settings.model_type]
    paths = []
    if settings.output_file:
        folder, name = os.path.split(settings.output_file)
        if not name.endswith(ending) or name == ending:
            raise InputError(f"--output_file={settings.output_file}: a name that ends in {ending} is needed")
        beside = ["tokenizer_config.json", *(["tokenizer.json"] if name == "vocab.txt" else [])]
        paths += [settings.output_file, *(os.path.join(folder, other) for other in beside)]
    if settings.output_dir:
        names = ("model.safetensors", "config.json", "vocab.txt", "tokenizer_config.json", "tokenizer.json")
        paths += [os.path.join(settings.output_dir, name) for name in names]
    for path in paths:
        if os.path.exists(path) and not settings.overwrite:
            raise InputError(f"{path}: exists; give another folder, or --overwrite to replace it")
        try:
            run_folder.check_writable(os.path.dirname(path) or ".")
        except InputError as error:
            raise InputError(f"{path}: {str(error).partition(': ')[2]}") from error
