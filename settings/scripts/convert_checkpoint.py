"""What convert_checkpoint.py takes; checked without TensorFlow."""

import dataclasses
import os

from bertline import registry
from bertline.errors import InputError
from bertline.settings import flags
from bertline.settings.base import CASING, PATH, Settings, setting
from bertline.training.folder import run_folder


def files():
    """The formats that are written -> the file that has the weights."""
    return registry.literals("weight_format", "file_name")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConversionSettings(Settings):
    """The flags of convert_checkpoint.py."""

    init_checkpoint: str | None = setting(
        None,
        "What to convert: a TensorFlow checkpoint (bert_model.ckpt), a Hugging Face folder, an output folder of "
        "Bertline, a SavedModel folder, a TensorFlow Hub handle, or word vectors as text (word2vec, GloVe, fastText).",
        holds=PATH,
    )
    output_dir: str | None = setting(None, "Folder for the converted weights.", holds=PATH)
    format: str = setting(
        "huggingface", "What to write: huggingface, tf1, or bilm (options.json and weights.hdf5 of ELMo)."
    )
    bert_config_file: str | None = setting(None, "By default the one beside the weights.", holds=PATH)
    vocab_file: str | None = setting(None, "By default the one beside the weights.", holds=PATH)
    do_lower_case: bool | None = setting(None, CASING)
    encoder: str | None = setting(
        None, "Registered name of the encoder; by default the one that the configuration names, else bert."
    )
    cache_words: bool = setting(
        False,
        "Of elmo: keep the vectors of the vocabulary's words as a table in place of the layers that make them of "
        "characters: embedding is faster, and other words are unknown.",
    )
    token_embeddings_file: str | None = setting(
        None,
        "Of elmo: the same, with the vectors in an HDF5 file, a row for each word of --vocab_file, as "
        "dump_token_embeddings of bilm-tf writes them; a weights.hdf5 of --cache_words is such a file too.",
        holds=PATH,
    )
    overwrite_output_dir: bool = setting(False, "Replace weights that are in --output_dir already.")

    @property
    def target(self):
        """Path of the weights that are written; without the endings that TensorFlow adds."""
        return os.path.join(self.output_dir, files()[self.format])


def check(run):
    """Raises InputError for flags that are missing or wrong, and for an output that is there or cannot be written."""
    for name in ("init_checkpoint", "output_dir"):
        if not getattr(run, name):
            raise InputError(f"--{name} is needed; see --help")
    flags.check_choice(run, "format", files())
    if run.cache_words and run.token_embeddings_file:
        raise InputError(
            f"--token_embeddings_file={run.token_embeddings_file} has the vectors that --cache_words would make; give "
            "one of both"
        )
    if any(os.path.exists(run.target + end) for end in ("", ".index")) and not run.overwrite_output_dir:
        raise InputError(f"{run.target}: exists; give another --output_dir, or --overwrite_output_dir")
    run_folder.check_writable(run.output_dir)
