"""What every format of weights on disk is: a class that knows files by their names, opens them, and may write them."""

import typing

if typing.TYPE_CHECKING:  # without TensorFlow, for `fits` and `near`
    from bertline.modeling.configuration.config import EncoderConfig
    from bertline.processors.tokenizers.tokenizer import Tokenizer
    from bertline.weights.reading.source import WeightSource


class WeightFormat:
    """Base of all formats, which are registered as "weight_format"; `open_weights` asks them in turn.

    Attributes:
      order: a literal; the lowest is asked first. 10 to 45: a folder that says what it is; 50 to 70: what is known by
        the names of files; 100: what is left over.
      said_as: what messages call it, with its article; None: what it opens is refused.
      file_name: of the weights that `save` writes, a literal; None: it only reads.
    """

    order = 50
    said_as: str | None = None
    file_name: str | None = None

    @staticmethod
    def fits(path: str, names: set[str] | None) -> bool:
        """Whether a path is of this format; cheap, since every format is asked.

        Args:
          path: str, of a folder (without a slash at its end), a file, a checkpoint's prefix or what is not there.
          names: set of the names in the folder; None for what is no folder.
        """
        raise NotImplementedError

    @staticmethod
    def open(path: str) -> "WeightSource":
        """The WeightSource of a path that fits. Raises InputError, which begins with the path of a file."""
        raise NotImplementedError

    @staticmethod
    def near(path: str) -> str | None:
        """What lies beside a path that no format fits and was perhaps meant, a sentence; None: nothing."""
        return None

    @staticmethod
    def save(model, path: str, tokenizer: "Tokenizer | None" = None, extra_config: dict | None = None) -> None:
        """Writes weights, their configuration and the tokenizer's files.

        Args:
          model: an encoder or objective, or what has its `named_weights`, `huggingface_names` and `config`.
          path: of the weights, a folder and `file_name`; the folder is made where it is missing.
          tokenizer: its files are saved beside the weights where given.
          extra_config: more entries of the configuration's file.

        Raises:
          InputError: it cannot be written.
        """
        raise NotImplementedError

    @staticmethod
    def without_room(model) -> list[str]:
        """Names of the weights of a model that `save` leaves out, since the format has no room for them, sorted."""
        return []

    @staticmethod
    def remark(config: "EncoderConfig") -> str | None:
        """A sentence for who converts a model to this format, about its configuration (an EncoderConfig); or None."""
        return None
