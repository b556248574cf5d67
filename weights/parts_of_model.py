"""What a model of several encoders reads beside its own files: configurations and vocabularies of its parts."""

from bertline import registry
from bertline.processors.tokenization import load_tokenizer
from bertline.processors.tokenizers.tokenizer import folder_of_part
from bertline.weights.conversion import model_type
from bertline.weights.load_save import open_weights


def config_at(path, shares_tokens):
    """What the configuration beside weights says, a dict; None where there is none.

    Args:
      shares_tokens: whether the part reads the tokens of others: vectors of words then have a row for each of those.
    """
    weights = open_weights(path)
    if weights.config is None:
        return None
    values = registry.get("encoder", model_type(weights)).config_class.from_dict(weights.config).to_dict()
    if weights.words is not None and shares_tokens:
        values.pop("vocab_size", None)
    return values


def add_tokenizers(tokenizer, config, folder, tokenizer_of):
    """Gives a tokenizer those of the parts that read rows of their own.

    Args:
      tokenizer: of the whole model. config: its EncoderConfig.
      folder: where the whole was saved; None where it was not.
      tokenizer_of: path of a part's weights -> the tokenizer that belongs to them.

    Raises:
      InputError: no vocabulary of a part is there.
    """
    found = {}
    for prefix, part in config.rows_apart().items():
        if part.vocab_file:
            found[prefix] = load_tokenizer(part.vocab_file)
        elif part.weights:
            found[prefix] = tokenizer_of(part.weights)
        else:
            found[prefix] = load_tokenizer(folder_of_part(folder or "", prefix))
            add_tokenizers(found[prefix], part.config, folder_of_part(folder or "", prefix), tokenizer_of)
    if found:
        tokenizer.parts = found
