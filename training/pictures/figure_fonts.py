"""Fonts for texts of any script: those of the machine that have the characters, or which one to install."""

import logging
import unicodedata

from matplotlib import font_manager, rcParams
from matplotlib.ft2font import FT2Font

# Asked first, since they are drawn for reading on a screen; of the other fonts the first by name is as good as any.
PREFERRED = (
    "Noto Sans",
    "Noto Sans CJK",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans",
    "WenQuanYi",
    "PingFang",
    "Hiragino Sans",
    "Heiti",
    "Microsoft YaHei",
    "SimHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Apple SD Gothic",
    "Arial Unicode",
    "Segoe UI",
    "Tahoma",
    "Arial",
)
# They have every character, but draw boxes or nothing.
PLACEHOLDERS = ("Last Resort", "LastResort", "Adobe Blank")
# The first word of a character's Unicode name, where the font is called otherwise.
SCRIPTS = {
    "HIRAGANA": "CJK",
    "KATAKANA": "CJK",
    "HANGUL": "CJK",
    "BOPOMOFO": "CJK",
    "IDEOGRAPHIC": "CJK",
    "FULLWIDTH": "CJK",
}


def families_for(texts):
    """(names of font families that together have the characters, matplotlib's own first; characters of no font)."""
    needed = {char for text in texts for char in drawable(text) if not char.isspace()}
    families = list(rcParams["font.family"])
    missing = needed - _characters(font_manager.findfont(font_manager.FontProperties()), needed)
    for fonts in (_known_fonts, _new_fonts):
        if missing:
            chosen, missing = _choose(fonts(), missing)
            families += chosen
    return families, missing


def to_install(characters):
    """The name of a free font family that has these characters."""
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in characters}
    scripts = sorted({SCRIPTS.get(script, script) for script in scripts if script})
    return (
        " and ".join(f"Noto Sans {script if script == 'CJK' else script.title()}" for script in scripts) or "Noto Sans"
    )


def drawable(text):
    """Text without what has no glyph: a tab or another space is a space, other control characters go."""
    spaced = "".join(" " if char.isspace() and char != "\n" else char for char in text)
    return "".join(char for char in spaced if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cn"))


def _known_fonts():
    return font_manager.fontManager.ttflist


def _new_fonts():
    """Those that were installed since matplotlib looked for fonts: it keeps a list of them in a file."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            font_manager.fontManager.addfont(path)
        except Exception as error:  # a font that cannot be read names no kind of error
            logging.debug("%s: %s", path, error)
    return [font for font in font_manager.fontManager.ttflist if font.fname not in known]


def _choose(fonts, missing):
    """(family names, characters that none of them has): each font adds the most of what is still missing."""
    found = {}
    for font in sorted(fonts, key=_rank):
        has = {} if font.name.startswith(PLACEHOLDERS) else _characters(font.fname, missing)
        if has:
            found.setdefault(font.name, has)
        if has == missing:
            break
    chosen = []
    while found and missing:
        name = max(found, key=lambda one: len(found[one] & missing))
        if not found[name] & missing:
            break
        chosen.append(name)
        missing = missing - found[name]
    return chosen, missing


def _rank(font):
    preferred = next((i for i, name in enumerate(PREFERRED) if font.name.startswith(name)), len(PREFERRED))
    return font.style != "normal", font.weight != 400, preferred, font.name, font.fname


def _characters(path, wanted):
    """Those of the wanted characters that a font has; none where it cannot be read or has bitmaps only."""
    try:
        font = FT2Font(path)
        return {char for char in wanted if font.scalable and font.get_char_index(ord(char))}
    except Exception as error:  # as above
        logging.debug("%s: %s", path, error)
        return set()
