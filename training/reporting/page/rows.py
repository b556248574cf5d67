"""Single rows of a split: where they stand, what is right, what was predicted, their texts."""

from bertline.training.reporting.page.parts import Markup, escape, paragraph, section

SHOWN = 20
COLOURS_OF_CLASSES = (
    "Blue words speak for the predicted label and against the other one that is named; orange words speak the other "
    "way round (gradient x input of the words' vectors)."
)


def of_rows(title, said, examples, texts, legend=""):
    """A section of rows.

    Args:
      said: list of str, what is told of each. examples: of each, with `source` and `guid`.
      texts: of each a list of Markup, of `Colours.texts`.
    """
    articles = [_article(*one) for one in zip(said, examples, texts)]
    has_colours = any('<b class="' in part for parts in texts for part in parts)
    return section(title, paragraph(legend) if has_colours else "", grid(articles))


def grid(articles):
    """Articles beside each other where there is room."""
    return Markup(f'<div class="rows">{"".join(articles)}</div>') if articles else Markup()


def _article(said, example, texts):
    where = escape(example.source or example.guid)
    return Markup(f'<article><p class="where">{where}</p><p class="said">{escape(said)}</p>{"".join(texts)}</article>')
