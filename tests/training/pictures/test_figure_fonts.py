"""Labels in any script: a font that has them is found, or a line says which to install."""

import logging

import numpy as np
import pytest
from matplotlib import font_manager

from bertline.training.evaluation import class_report
from bertline.training.pictures import figure_fonts, figures

LABELS = ["北京", "上海", "neutral"]


def make_font(path, family, characters):
    """A TrueType font in which each of the characters is a filled square."""
    builder = pytest.importorskip("fontTools.fontBuilder").FontBuilder(1000, isTTF=True)
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0)), pen.lineTo((0, 800)), pen.lineTo((800, 800)), pen.lineTo((800, 0)), pen.closePath()
    glyphs = {".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()}
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(char): "square" for char in characters})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    builder.save(path)
    return str(path)


@pytest.fixture
def fonts(monkeypatch):
    """fonts(paths): the machine has matplotlib's own font and these."""

    manager = font_manager.fontManager
    own = [font for font in manager.ttflist if font.name == "DejaVu Sans"]

    def install(*paths):
        monkeypatch.setattr(manager, "ttflist", list(own))
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(paths))
        manager._findfont_cached.cache_clear()

    yield install
    manager._findfont_cached.cache_clear()


def test_a_font_that_has_the_characters_is_found(tmp_path, fonts):
    half, whole = (
        make_font(tmp_path / "half.ttf", "Half", "北京"),
        make_font(tmp_path / "whole.ttf", "Whole", "北京上海"),
    )
    fonts(half, whole)
    families, missing = figure_fonts.families_for(LABELS)
    assert families[-1] == "Whole" and "Half" not in families and not missing


def test_several_fonts_together(tmp_path, fonts):
    fonts(make_font(tmp_path / "one.ttf", "One", "北京"), make_font(tmp_path / "two.ttf", "Two", "上海"))
    families, missing = figure_fonts.families_for(LABELS)
    assert {"One", "Two"} < set(families) and not missing


def test_matplotlibs_own_font_is_enough_where_it_is(fonts):
    fonts()
    families, missing = figure_fonts.families_for(["naïve", "Ωμέγα", "да", "a\tb"])
    assert len(families) == 1 and not missing


def test_without_a_font_numbers_stand_for_the_labels_and_one_line_says_so(tmp_path, fonts, caplog, recwarn):
    fonts()
    shown = []
    figures.in_fonts_for(LABELS, shown.append, "confusion.png", "label_map.json")
    assert shown == [["0", "1", "neutral"]]
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "confusion.png: no font here has 上 京 北 海, so numbers, from 0 as in label_map.json, stand for these names; "
        "install the font Noto Sans CJK and evaluate again"
    )
    class_report.write(str(tmp_path), LABELS, np.arange(3), np.eye(3), "accuracy 1.000")
    assert (tmp_path / "confusion.png").exists() and not recwarn.list and len(caplog.records) == 2


def test_the_labels_are_drawn_in_that_font(tmp_path, fonts, caplog):
    def picture():
        class_report.write(str(tmp_path), LABELS, np.arange(3), np.eye(3), "accuracy 1.000")
        return (tmp_path / "confusion.png").read_bytes()

    fonts()
    without = picture()
    caplog.clear()
    fonts(make_font(tmp_path / "all.ttf", "All of them", "北京上海"))
    assert picture() != without and not caplog.records


@pytest.mark.parametrize(
    "characters, font",
    [
        ("北", "Noto Sans CJK"),
        ("한あ", "Noto Sans CJK"),
        ("مر", "Noto Sans Arabic"),
        ("अ", "Noto Sans Devanagari"),
        ("ไ", "Noto Sans Thai"),
        ("北م", "Noto Sans Arabic and Noto Sans CJK"),
    ],
)
def test_which_font_to_install(characters, font):
    assert figure_fonts.to_install(characters) == font
