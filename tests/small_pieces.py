"""Small SentencePiece models, trained for a test in a fraction of a second."""

import io
import random

import sentencepiece

# Digits with their comma in all places, so that pieces come to end so; marks, sigmas and ideographs.
_WORDS = (
    "the cat sat on a mat with 1,000 dogs, 25,000 Birds; café naïve No. 9, and more a1, office office ΌΣΟΣ σας ΣΑΣ "
    '北京 한국 ½ 2² ²,5 3², ３,４ "quoted" 1,000 1,000 9, 3, bad fed abc de gh ij kl mno p'
).split()


def train(path, left_out="", words=_WORDS, **options):
    """Writes a model to `path`, which it returns.

    Args:
      path: pathlib.Path.
      left_out: a character that the model is not to know.
      words: of which its text is made.
      options: those of sentencepiece.SentencePieceTrainer.train.
    """
    draw, model = random.Random(3), io.BytesIO()
    words = [word.replace(left_out, "") if left_out else word for word in words]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(" ".join(draw.choices(words, k=12)) for _ in range(500)),
        model_writer=model,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols="[CLS],[SEP],[MASK]",
        hard_vocab_limit=False,
        minloglevel=2,
        **{"vocab_size": 150, **options},
    )
    path.write_bytes(model.getvalue())
    return path
