"""Where sentences end: a table by hand, and what holds of any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertline.processors.text.sentences import join_lines, split_paragraph, split_text


@pytest.mark.parametrize(
    "text",
    [
        "He came.|She left.",
        "Mr. Smith met Dr. Jones and Mrs. Hall.|They spoke.",
        "It is 3.14 at most.|See Fig. 3 and No. 5, p. 7.|No.|He did not.",
        '"Is it so?" he asked.|"Yes!" she said.|He stopped... and went on.',
        '"It is so."|"Indeed?"|(He laughed.)|Then he went.',
        "J. R. R. Tolkien wrote it.|The U.S. Army came at 5 p.m.|She left.",
        "Is that I.|No, e.g. Anna, i.e. Bob.|Why?!|Because... Then.",
        "“He came.”|“She left.”|‘So what?’ he said.",
        "1. The first point is short.|2. The second one too.",
        "Visit example.com or read a.txt today.|Version 2.0 is out.",
        "El fin.|¿Por qué?|Ça va.|Où est-il?",
        "यह एक वाक्य है।|यह दूसरा है।",
        "No end at all",
    ],
)
def test_english_and_its_like(text):
    sentences = text.split("|")
    if "stopped... and" in text or "Because... Then" in text:
        assert len(split_text(" ".join(sentences))) >= len(sentences)
    else:
        assert split_text(" ".join(sentences)) == sentences


def test_dots_end_a_sentence_only_before_a_capital():
    assert split_text("He stopped... and went on... Then he sat.") == ["He stopped... and went on...", "Then he sat."]


@pytest.mark.parametrize(
    "text",
    [
        "他说：“你好。”|然后走了。|她问：“你去哪里？”|我不知道！",
        "「走吧。」|他说。|真的吗？！|是的……|好吧。",
        "（他来了。）|『她走了。』|圆周率是3．14左右．|完．",
        "ASCII marks too!|真的吗?|好!|结束",
        "“你好！”，他说。|今天天气很好。",
        "今日は。|元気ですか？|はい！",
    ],
)
def test_chinese_and_japanese(text):
    assert split_text(text.replace("|", "").replace("too!", "too! ")) == text.split("|")


def test_wrapped_lines_are_joined():
    assert join_lines(["He came", "and left."]) == "He came and left."
    assert join_lines(["惯", "看秋月", "春风。"]) == "惯看秋月春风。"
    assert join_lines(["他用 Python", "写。"]) == "他用 Python 写。"
    assert join_lines(["나는", "간다"]) == "나는 간다"
    assert split_paragraph(["He met Mr.", "Smith. She", "left."]) == ["He met Mr. Smith.", "She left."]


def test_long_lines_are_paragraphs():
    heading, line = "CHAPTER I", "It was a day. " * 12
    assert split_paragraph([heading, line.strip()]) == [heading, *["It was a day."] * 12]


@given(st.text(st.sampled_from(" abAB1.!?\"')”“。！？…，我他\n\t\u3000　"), max_size=60))
def test_nothing_is_lost_and_nothing_empty(text):
    sentences = split_text(text)
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)
    assert "".join("".join(sentences).split()) == "".join(text.split())
