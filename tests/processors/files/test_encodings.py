"""Which encoding a text is likely to have: text of eight languages, as its own programs would have saved it."""

import gzip
import random

import pytest

from bertline.processors.files import encodings

TEXTS = {
    "gb18030": [
        "房间很大，服务员也很热情。",
        "这部电影太好看了",
        "物流慢",
        "质量不错，下次还会来",
        "《红楼梦》是中国古典小说",
        "标签\t内容\n好评\t酒店位置不错\n",
        "苹果",
        "手机屏幕碎了，想换一个新的",
        "good\t味道一般，价格贵",
    ],
    "big5": ["房間很大，服務員也很熱情。", "這部電影太好看了", "物流慢", "質量不錯，下次還會來", "台灣的天氣很熱"],
    "shift_jis": ["この映画はとても面白かったです。", "カタカナのテスト", "東京都", "値段が高い", "ﾊﾝｶｸのﾃｽﾄです"],
    "euc_jp": ["この映画はとても面白かったです。", "カタカナのテスト", "東京都", "値段が高い"],
    "euc_kr": ["이 영화는 정말 재미있습니다.", "배송이 너무 느려요", "서비스가 좋았다"],
    "cp1252": [
        "Le café était très bon, à côté de la forêt.",
        "Über die Straße",
        "el niño mañana",
        "don’t buy – it’s “bad”",
        "c'est déjà vu",
        "naïve",
        "Ça marche",
        "São Paulo não",
        "à",
        "5 €",
    ],
    "cp1250": ["Zażółć gęślą jaźń", "Příliš žluťoučký kůň úpěl", "łódź"],
    "cp1251": ["Этот фильм очень хороший", "Москва", "плохо, не советую", "Доставка была быстрой"],
}
CASES = [pytest.param(name, text, id=f"{name}-{i}") for name, texts in TEXTS.items() for i, text in enumerate(texts)]


@pytest.mark.parametrize("name, text", CASES)
def test_the_right_one_comes_first(name, text):
    data = text.encode(name)
    found = encodings.likely(data)
    assert found[0][0] == name
    assert found[0][1].replace("?", "") in text
    if name in ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"):
        assert not {"cp1252", "cp1250", "latin-1"} & {name for name, _ in found}
    # A sample is cut anywhere.
    assert len(data) < 12 or encodings.likely(data[:-1])[0][0] == name
    assert not encodings.is_damaged_utf8(data) and encodings.wide_encoding(data) is None


@pytest.mark.parametrize("text", ["가격", "Česká republika je hezká země", "蘋果", "镕基朱"])
def test_of_a_few_characters_the_right_one_is_among_them(text):
    name = {"가": "euc_kr", "Č": "cp1250", "蘋": "big5", "镕": "gb18030"}[text[0]]
    assert (name, text[:16].strip()) in encodings.likely(text.encode(name))


def test_wider_encodings_of_the_same_family():
    assert encodings.likely("①番目の質問です".encode("cp932"))[0][0] == "cp932"
    assert encodings.likely("샾에 갔다왔습니다".encode("cp949"))[0][0] == "cp949"
    assert (
        encodings.likely("香港的天氣很熱，我們去茶餐廳飲凍檸茶，啲人話好好飲".encode("big5hkscs"))[0][0] == "big5hkscs"
    )


@pytest.mark.parametrize(
    "data", [b"plain", bytes(range(128, 256)) * 3, b"\x81\xff\x81", random.Random(1).randbytes(999)]
)
def test_what_is_nothing_of_these_gets_no_proposal(data):
    assert encodings.likely(data) == []
    assert encodings.advice(data, 0, "utf-8", "--encoding") == "name its encoding by --encoding"


def test_damaged_utf8_is_told_from_another_encoding():
    data = "房间很大，服务员也很热情。\n".encode() * 3
    broken = data[:40] + b"\xff" + data[41:]
    assert "the text around it is UTF-8" in encodings.advice(broken, 40, "utf-8", "--encoding")


def test_the_encoding_that_was_tried_is_not_proposed():
    data = "この映画はとても面白かったです。①\n".encode("cp932")
    found = encodings.advice(data, data.index("①".encode("cp932")), "shift_jis", "--encoding")
    assert found == "likely --encoding=cp932 reads “この映画はとても面白かったです。”"


@pytest.mark.parametrize("name, text", CASES)
def test_what_is_read_rightly_is_not_doubted(name, text):
    assert encodings.doubt(text.encode(name), name) is None
    assert encodings.doubt(text.encode(), "utf-8") is None


@pytest.mark.parametrize(
    "text, name, tried",
    [
        ("房间很大，服务员也很热情。", "gb18030", "latin-1"),
        ("房间很大，服务员也很热情。", "gb18030", "cp1252"),
        ("房间很大，服务员也很热情。", "utf-8", "latin-1"),
        ("房间很大，服务员也很热情。", "utf-8", "gb18030"),
        ("Le café était très bon, à côté", "utf-8", "cp1252"),
        ("この映画はとても面白かったです。", "shift_jis", "latin-1"),
        ("이 영화는 정말 재미있습니다.", "euc_kr", "latin-1"),
        ("Этот фильм очень хороший", "cp1251", "latin-1"),
    ],
)
def test_encodings_that_read_anything_are_doubted(text, name, tried):
    read, found, better = encodings.doubt(text.encode(name), tried)
    assert (found, better) == (name, text[:16].strip()) and read and read != better


def lines(path, encoding="utf-8"):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=encoding) as file:
        return [line for line in file if not line.isascii()]


@pytest.mark.parametrize(
    "name, files",
    [
        ("gb18030", ["chnsenticorp/dev.tsv", "dialog/zh_dev_human.txt", "zh_text/红楼梦.txt"]),
        ("cp1252", ["multi30k/val.de.gz", "multi30k/val.fr.gz"]),
    ],
)
def test_real_lines(data_dir, name, files):
    """Of single lines 99 in 100 are right, of three all of them."""
    found = [line for file in files for line in lines(data_dir / file)]
    chosen = random.Random(1)
    for count, least in ((1, 297), (3, 299)):
        samples = ["".join(chosen.sample(found, count)).encode(name, "ignore") for _ in range(300)]
        first = [(encodings.likely(sample) or [(None, "")])[0][0] for sample in samples]
        assert first.count(name) >= least, [sample.decode(name) for sample, one in zip(samples, first) if one != name]
