"""A tokenizer as operations of a TensorFlow graph: string [n] -> ids, equal to Python's for any text.

`graph_sentence_pieces` names the one exception.
A text with a lone surrogate, which has no UTF-8, cannot come into a graph. Bytes that are no UTF-8 are dropped, as
`convert_to_unicode` does.
"""

from errors import InputError
from processors.graph_sentence_pieces import GraphSentencePieces
from processors.graph_wordpiece import GraphWordPiece

_KINDS = {"wordpiece": GraphWordPiece, "sentencepiece": GraphSentencePieces}


def get(tokenizer):
    """The form that a tokenizer has in a graph: a function string [n] -> RaggedTensor int32 [n, tokens].

    Its `resources` are what a SavedModel with that function has to keep hold of.

    Raises:
      InputError: a kind of tokenizer that no graph knows.
    """
    if tokenizer.kind not in _KINDS:
        raise InputError(
            f"a tokenizer of the kind {tokenizer.kind} cannot be put into a graph; {', '.join(_KINDS)} can; "
            "use serving.Predictor"
        )
    return _KINDS[tokenizer.kind](tokenizer)
