"""What clients may ask for: checked bodies of requests, and the schemas of the OpenAPI page."""

from typing import Annotated, ClassVar, Literal

import pydantic

from bertline.errors import InputError
from bertline.processors.text.texts import checked_question
from bertline.serving.service.http.refusal import Refusal

Text = str | tuple[str, str]
Sentence = str | list[str]
Layer = Annotated[int, pydantic.Field(ge=-1000, le=1000)]  # no digits without end in what is said of it
MOST_PROMPT_CHARACTERS = 1000


class _Request(pydantic.BaseModel):
    """Base of all requests.

    Attributes:
      field: the name of the field of what is asked of. needed: what one of it is, for messages.
      too_many: what to say of more texts than a request may have; the numbers of both are put in.
    """

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    field: ClassVar[str] = "texts"
    needed: ClassVar[str] = "a string is needed, or a list of two strings"
    too_many: ClassVar[str] = "{} of them, at most {} in a request; send them in parts"

    @property
    def inputs(self):
        """list of what is asked of."""
        return getattr(self, self.field)

    @property
    def num_texts(self):
        """How many texts, or pairs of texts, the model reads."""
        return len(self.inputs)

    def size(self, one):
        """How many characters an input has."""
        return len(one) if isinstance(one, str) else sum(map(len, one))

    def check(self):
        """Raises Refusal for an input that has the right type and cannot be answered all the same."""


class PredictRequest(_Request):
    """Texts to be classified."""

    texts: list[Text] = pydantic.Field(description="Texts, or pairs of texts.", min_length=1)


class TagRequest(_Request):
    """Texts whose words are to be tagged."""

    needed: ClassVar[str] = "a string is needed, or a list of words"
    texts: list[Sentence] = pydantic.Field(
        description="Raw texts, in which words are found, or lists of words.", min_length=1
    )

    def size(self, one):
        """A word without a character has a tag, too, and counts as one."""
        return len(one) if isinstance(one, str) else sum(map(len, one)) + len(one)


class QuestionAndContext(pydantic.BaseModel):
    """A question, and the text that its answer is looked for in."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    question: str
    context: str


class AnswerRequest(_Request):
    """Questions to be answered by a part of a text."""

    field: ClassVar[str] = "questions"
    needed: ClassVar[str] = "an object is needed that has question and context, two strings"
    questions: list[QuestionAndContext] = pydantic.Field(
        description="Objects with a question, and the context in which its answer is looked for.", min_length=1
    )

    @property
    def inputs(self):
        return [(one.question, one.context) for one in self.questions]

    def check(self):
        for number, one in enumerate(self.inputs):
            try:
                checked_question(one, f"{self.field}[{number}]")
            except InputError as error:
                raise Refusal(422, str(error)) from None


class QueryAndCandidates(pydantic.BaseModel):
    """A query, and the texts that are put in order by how well they answer it."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)
    query: str
    candidates: list[str] = pydantic.Field(min_length=1)


class RankRequest(_Request):
    """Queries whose candidates are to be ranked."""

    field: ClassVar[str] = "queries"
    needed: ClassVar[str] = "an object is needed that has query, a string, and candidates, a list of one string or more"
    too_many: ClassVar[str] = (
        "{} candidates in all, at most {} in a request; send fewer, or start serve.py with a larger --max_texts"
    )
    queries: list[QueryAndCandidates] = pydantic.Field(
        description="Objects with a query, and the candidates that are to be ranked, a list of texts.", min_length=1
    )

    @property
    def inputs(self):
        return [(one.query, one.candidates) for one in self.queries]

    @property
    def num_texts(self):
        """The model reads the query with each of its candidates."""
        return sum(len(one.candidates) for one in self.queries)

    def size(self, one):
        """Of the query and all candidates."""
        query, candidates = one
        return len(query) + sum(map(len, candidates))


class EmbedRequest(_Request):
    """Texts to be made vectors of; what is left out is as the model says."""

    texts: list[Text] = pydantic.Field(description="Texts, or pairs of texts.", min_length=1)
    pooling: str | None = pydantic.Field(
        None,
        max_length=80,
        description="cls, mean, max, mean_sqrt_len, weighted_mean, last, joined by +, or first_last. By default the "
        "model's own.",
    )
    layers: list[Layer] = pydantic.Field(
        [-1],
        min_length=1,
        max_length=100,
        description="-1 is the last, 0 the first, one below it the embeddings: -7 of 6 layers.",
    )
    layer_mix: Literal["none", "mean", "concat"] = pydantic.Field(
        "none", description="Of several layers: none gives each by itself."
    )
    normalize: bool | None = pydantic.Field(
        None, description="Whether each vector gets length 1. By default the model's own way."
    )
    prompt_name: str | None = pydantic.Field(
        None, max_length=200, description="Name of the prompt to put before each text, of those that /v1/model gives."
    )
    prompt: str | None = pydantic.Field(
        None, max_length=MOST_PROMPT_CHARACTERS, description="Text to put before each text; empty: none."
    )
    encoding: Literal["json", "base64"] = pydantic.Field(
        "json", description="base64: the bytes of float32 numbers, little-endian, and their shape."
    )


class AttentionRequest(_Request):
    """A text, or a pair, whose tokens' attention is to be shown."""

    field: ClassVar[str] = "text"
    text: Text = pydantic.Field(description="A text, or a pair of texts.")
    layer: int = pydantic.Field(0, ge=0, le=1000, description="0 is the first.")
    head: int | None = pydantic.Field(None, ge=0, le=1000, description="By default the mean over all heads.")

    @property
    def inputs(self):
        return [self.text]


def parse(kind, body):
    """A request of a class of this module, of the bytes of a body.

    Raises:
      Refusal: it is no JSON (400), or not what the class says (422).
    """
    try:
        return kind.model_validate_json(body)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        reason = first["msg"].removeprefix("Invalid JSON: ") if body.strip() else "it is empty"
        raise Refusal(400, f"the body is not JSON: {reason}") from None
    place, field = first["loc"], ".".join(str(part) for part in first["loc"][:1]) or "the body"
    if field == kind.field and (len(place) > 1 or first["type"].startswith("string")):
        number = "" if field == "text" else f"[{place[1]}]"
        raise Refusal(422, f"{field}{number}: {kind.needed}") from None
    known = ", ".join(kind.model_fields)
    raise Refusal(422, f"{field}: {first['msg'][:200]}; known fields: {known}") from None


def check_answer(texts, numbers_per_text, most):
    """Raises Refusal where the vectors of some texts would have too many numbers."""
    if len(texts) * numbers_per_text > most:
        raise Refusal(
            413,
            f"texts: {len(texts)} of them by {numbers_per_text} numbers, at most {most} in an answer; send fewer "
            "texts at once, or ask for fewer layers",
        )


def check_inputs(asked, most, most_characters):
    """Raises Refusal for too many inputs of a request, or one that is too long, or a question without text."""
    inputs, name = asked.inputs, asked.field
    if asked.num_texts > most:
        raise Refusal(413, f"{name}: {asked.too_many.format(asked.num_texts, most)}")
    for number, one in enumerate(inputs):
        if asked.size(one) > most_characters:
            raise Refusal(
                413, f"{name}[{number}]: {asked.size(one)} characters, at most {most_characters} are read; cut it"
            )
    asked.check()
