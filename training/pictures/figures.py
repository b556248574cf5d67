"""Pictures of a run: drawn without a screen, and never a reason for a run to fail."""

import io
import logging
import os

from bertline.common import console
from bertline.common.files import replace_file


def save(path, make_figure):
    """Writes a picture; what hinders it is a warning, since files that come after it must not be lost.

    Args:
      path: of the .png file.
      make_figure: () -> a matplotlib Figure.
    """
    try:
        draw(path, make_figure)
    except Exception as error:  # matplotlib names no errors: fonts, markup in a class's name, memory
        logging.warning("%s is not drawn: %s", os.path.basename(path), error)


def draw(path, make_figure):
    """Writes a picture that was asked for. Raises InputError where the file cannot be written."""
    with console.foreign_warnings(), replace_file(path) as unfinished:
        make_figure().savefig(unfinished, format="png", dpi=120)


def to_png(make_figure):
    """A picture as the bytes of a .png file."""
    with console.foreign_warnings(), io.BytesIO() as file:
        make_figure().savefig(file, format="png", dpi=120)
        return file.getvalue()


def in_fonts_for(names, make_figure, picture, listed_in):
    """`make_figure(names)` in fonts of the machine that have the names' characters.

    A name that no font can write becomes its number, and a line says which font to install.

    Args:
      names: list of str.
      picture: what the line calls the picture.
      listed_in: the file that has the names in their order.
    """
    from matplotlib import rc_context

    from bertline.training.pictures.figure_fonts import drawable, families_for, to_install

    names = [drawable(name) for name in names]
    families, missing = families_for(names)
    if missing:
        shown = " ".join(sorted(missing)[:10])
        logging.warning(
            "%s: no font here has %s, so numbers, from 0 as in %s, stand for these names; install the font "
            "%s and evaluate again",
            picture,
            shown,
            listed_in,
            to_install(missing),
        )
        names = [str(i) if missing.intersection(name) else name for i, name in enumerate(names)]
    with rc_context({"font.family": families}):
        return make_figure(names)


def new_figure(width, height):
    """An empty Figure of inches."""
    from matplotlib.figure import Figure  # not pyplot, which keeps figures and asks for a screen

    return Figure(figsize=(width, height), layout="constrained")
