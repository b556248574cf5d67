"""What a model says of an input: a label, tags with entities, an answer, an order of candidates."""

import dataclasses
import math

SHOWN_LABELS = 3  # of a Prediction's repr
SHOWN_ENTITIES = 5  # of a TaggedText's


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """The answer for one text.

    Attributes:
      label: the name of a class; of several labels a tuple, of those whose probability is their threshold or more,
        0.5 unless it was tuned; None where the model gives a score.
      probabilities: name -> float of every label; None where the model gives a score.
      score: float, None where the model names labels.
      truncated: whether the text has more tokens than the model reads, so that its end was not read.
    """

    label: str | tuple[str, ...] | None
    probabilities: dict[str, float] | None
    score: float | None
    truncated: bool = False

    @property
    def confidence(self):
        """The probability of the label; None where the model gives several labels, or a score."""
        return self.probabilities[self.label] if isinstance(self.label, str) else None

    @property
    def is_finite(self):
        """Whether all of its numbers are some; broken weights give NaN."""
        return all(map(math.isfinite, [self.score] if self.probabilities is None else self.probabilities.values()))

    def top(self, count=SHOWN_LABELS):
        """list of (name, probability), the most probable first; [] where the model gives a score."""
        return sorted((self.probabilities or {}).items(), key=lambda pair: -pair[1])[:count]

    def __repr__(self):
        """A line: a list of many labels says less than its top."""
        more = ", ..." if len(self.probabilities or ()) > SHOWN_LABELS else ""
        shown = ", ".join(f"{name!r}: {number:.4f}" for name, number in self.top())
        said = (
            f"score={self.score:.4f}"
            if self.label is None
            else f"label={self.label!r}, probabilities={{{shown}{more}}}"
        )
        return f"Prediction({said}{', truncated=True' if self.truncated else ''})"


@dataclasses.dataclass(frozen=True, slots=True)
class Entity:
    """A part of a text that has a type.

    Attributes:
      type: as "PER" of the tags B-PER and I-PER.
      text: its characters, those from `start` to before `end` of the whole text.
      score: mean confidence of its words.
      first_word, end_word: its words are those from first_word to before end_word.
    """

    type: str
    text: str
    start: int
    end: int
    score: float
    first_word: int
    end_word: int


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class TaggedText:
    """The tags of one text.

    Attributes:
      text: the raw text; of words that were given, these with blanks between.
      words, tags, confidences: tuples of equal length: str, str, and how likely each tag is.
      starts, ends: where each word lies in the text, in characters.
      entities: tuple of Entity; () where tags say nothing of entities, as parts of speech.
    """

    text: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    confidences: tuple[float, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    entities: tuple[Entity, ...]

    @property
    def truncated(self):
        """False: longer texts are read by windows."""
        return False

    @property
    def is_finite(self):
        """Whether all of its numbers are some; broken weights give NaN."""
        return all(map(math.isfinite, self.confidences))

    def __repr__(self):
        """A line: entities, or where there are none the first words with their tags."""
        found = [f"{one.text!r}: {one.type}" for one in self.entities] or [
            f"{word!r}: {tag}" for word, tag in zip(self.words, self.tags)
        ]
        more = f", ... of {len(found)}" if len(found) > SHOWN_ENTITIES else ""
        return f"TaggedText({len(self.words)} words, {{{', '.join(found[:SHOWN_ENTITIES])}{more}}})"


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class FoundAnswer:
    """The answer to one question.

    Attributes:
      text: a part of the context; "" where there is no answer.
      score: its probability among the n best answers, no answer being one of them where that is possible.
      start, end: the text is context[start:end]; None where there is no answer.
      null_score: the score (a sum of logits) of no answer minus that of the best one, compared with the threshold;
        None where each question has an answer.
      nbest: tuple of dicts text, score, start, end, start_logit, end_logit, the best first.
    """

    text: str
    score: float
    start: int | None
    end: int | None
    null_score: float | None
    nbest: tuple[dict, ...]

    @property
    def truncated(self):
        """False: longer contexts are read by windows."""
        return False

    @property
    def is_finite(self):
        """Whether its score is a number; broken weights give NaN."""
        return math.isfinite(self.score)

    def __repr__(self):
        place = "" if self.start is None else f", start={self.start}, end={self.end}"
        return f"FoundAnswer({self.text!r}, score={self.score:.4f}{place})"


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of a query, the best first.

    Attributes:
      candidates: tuple of str. probabilities: tuple of float, that each is the right one among them.
      places: tuple of int, where each stood among those that were given.
      truncated: whether the query with one of its candidates has more tokens than the model reads.
    """

    candidates: tuple[str, ...]
    probabilities: tuple[float, ...]
    places: tuple[int, ...]
    truncated: bool = False

    @property
    def is_finite(self):
        """Whether all of its numbers are some; broken weights give NaN."""
        return all(map(math.isfinite, self.probabilities))
