"""Which encoding text has that is not UTF-8: candidates, judged by the characters that they make of its bytes.

A character counts for what its language uses it: much where it is among the most frequent ones, less where it is among
the common ones of its national standard (the first level of GB 2312, Big5, JIS X 0208; the syllables of KS X 1001),
next to nothing where it is rare, and against the candidate where no text has it.
"""

import codecs
import functools
import re
import unicodedata

from bertline.errors import InputError

_SAMPLE_BYTES = 1 << 15
_ENOUGH, _MARGIN, _MOST = 0.55, 0.25, 3  # of a score; below the best score; proposals
_LEAST_NULS = 4  # in UTF-16 without a byte order mark; fewer may be a fault of other text
_RANK = 0.01  # what an encoding loses to the one before it, of those that do equally well
_DOUBTED = 0.35  # a score below it is doubted where another encoding does well
_EXCERPT = 16  # characters
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Text encodings to Python that no file of text has.
_NOT_OF_FILES = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}

_SIMPLIFIED = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都"
    "同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由"
    "问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真"
    "论处走义各入几口认条平系气题活更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指许统区保至队形社便空决治"
    "展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带"
)
_TRADITIONAL = frozenset(
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都"
    "同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由"
    "問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真"
    "論處走義各入幾口認條平系氣題活更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指許統區保至隊形社便空決治"
    "展馬科司五基眼書非則聽白卻界達光放強即像難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶"
)
_KOREAN = frozenset(
    "이다는에을의가하고를지은한도로서기니사어자있나그아라대리시게인들수정부일스주만해으여보구전장과면상까없제안거했것되러말년당적원동무비조문성선습요와때"
)
_KANJI = frozenset(
    "日一国人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木聞食車何南"
    "万毎白天母火右読友左休父雨会同事自社発者地業方新場員立開手力問代明動京目通言理体田主題意不作用度強公持野以思家世多正安院心界教文元重近"
    "考画海売知道集別物使品計死特私始朝運終台広住真有口少町料工建空急止送切転研足究楽起着店病質待試族銀早映親験英医仕去味写字答夜音注帰古歌"
    "買悪図週室歩風紙黒花春赤青館屋色走秋夏習駅洋旅服夕借曜飲肉貸堂鳥飯勉冬昼茶弟牛魚兄犬妹姉漢都値段"
)
_WESTERN = frozenset("éèêëàâäáãåæçíìîïñóòôöõøúùûüßœ")
_CENTRAL = frozenset("ąćęłńóśźżáčďéěíňřšťúůýžäôľĺŕöüőűăâîţş")
_TYPOGRAPHY = frozenset("“”„‘’–—…•«»°§·¡¿€£©®™½¼²³%‰\xa0")
_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґў")


def check(name, flag=None):
    """Raises InputError unless `name` is an encoding of text that Python knows."""
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        known = None
    if known is None or not known._is_text_encoding or known.name in _NOT_OF_FILES or not known.incrementaldecoder:
        given = f"{flag}={name}" if flag else f"encoding {name!r}"
        raise InputError(
            f"{given}: unknown encoding; name one that Python knows, as utf-8, gb18030, big5, cp1252 or utf-16"
        )


def is_wide(name):
    """Whether an encoding has two or four bytes for each character, so that NUL bytes are part of it."""
    return codecs.lookup(name).name.startswith(("utf-16", "utf-32"))


def wide_encoding(start):
    """The UTF-16 or UTF-32 that a file's first bytes show, by a byte order mark or where NUL bytes are; else None."""
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    name = f"utf-16-{byte_order(start)}"
    first, second = sorted((start[::2].count(0), start[1::2].count(0)))
    if second < _LEAST_NULS or first * 10 > second:
        return None
    # A NUL in most of every other place is proof; Chinese has fewer, and must read as such.
    is_wide_text = second * 5 >= len(start) * 2 or _score(_characters(start, name), _any_script) >= _ENOUGH
    return name if is_wide_text else None


def byte_order(start):
    """Of UTF-16 and UTF-32 without a mark: "le" or "be", by where the NUL bytes are."""
    return "be" if start[::2].count(0) > start[1::2].count(0) else "le"


def likely(sample):
    """The encodings that bytes may have, the likeliest first: list of (name, what the first of them read), at most 3.

    Args:
      sample: bytes, whole lines where possible; a character that is cut at the end does not matter.
    """
    found = []
    for rank, (names, judge) in enumerate(_CANDIDATES.items()):
        texts = {name: _characters(sample, name) for name in names}
        name = next((name for name in names if texts[name] is not None), None)
        if name:
            found.append((_score(texts[name], judge) - rank * _RANK, name, texts[name]))
    found.sort(key=lambda one: -one[0])
    least = max(_ENOUGH, found[0][0] - _MARGIN) if found else _ENOUGH
    names = {}  # of encodings that read the same, the best
    for _, name, text in (one for one in found if one[0] >= least):
        names.setdefault(text, name)
    return [(name, _excerpt(text)) for text, name in names.items()][:_MOST]


def doubt(sample, name):
    """What text that can be read as `name` more likely is: (what that reads, another name, what it reads); or None.

    Encodings of one byte a character read anything, and GB18030 and Big5 much of what is UTF-8.
    """
    text = _characters(sample, name)
    if text is None or codecs.lookup(name).name in ("utf-8", "utf-8-sig") or is_wide(name):
        return None
    if is_utf8(sample):
        better = sample.decode("utf-8", "ignore")
        return (_excerpt(text), "utf-8", _excerpt(better)) if sum(not char.isascii() for char in better) > 2 else None
    own = max(_score(text, judge) for judge in _CANDIDATES.values())
    other = next(iter(likely(sample)), None)
    return (_excerpt(text), *other) if other and own < _DOUBTED and other[1] != _excerpt(text) else None


def is_utf8(sample):
    """Whether bytes are UTF-8; a character may be cut at their end."""
    return _characters(sample, "utf-8") is not None


def is_damaged_utf8(sample):
    """Whether bytes are UTF-8 but for a few of them."""
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(not char.isascii() for char in text) - broken >= max(1, 3 * broken)


def advice(data, offset, encoding, flag):
    """What to do about a file that is not in `encoding`: the end of a message.

    Args:
      data: bytes of the file, some of them before and after the first byte that is wrong.
      offset: of that byte in `data`.
      flag: what names the encoding, as --encoding; None where it cannot be chosen, and the file is to be converted.
    """
    start = data.rfind(b"\n", max(0, offset - _SAMPLE_BYTES // 2), offset) + 1
    sample = data[start : start + _SAMPLE_BYTES]
    if encoding == "utf-8" and is_damaged_utf8(sample):
        return "the text around it is UTF-8: the file is damaged there, or joined from two encodings; correct the line"
    ways = [f"{_way(name, flag)} reads “{text}”" for name, text in likely(sample) if name != encoding]
    if ways:
        return f"likely {', or '.join(ways)}"
    return f"name its encoding by {flag}" if flag else "convert the file to UTF-8 with iconv"


def _way(name, flag):
    return f"{flag}={name}" if flag else f"`iconv -f {name.replace('_', '-')} -t utf-8`"


def _characters(sample, name):
    """The text of a sample, whose last character may be cut; None where it is not in the encoding."""
    try:
        return codecs.getincrementaldecoder(name)().decode(sample)
    except UnicodeError:
        return None


def _score(text, judge):
    """Mean of what `judge` says of each character that is not ASCII, of UTF-16 of each: about 0 to 1."""
    if text is None:
        return -1.0
    values = judge(text)
    return sum(values) / len(values) if values else -1.0


def _excerpt(text):
    """Some characters around the first one that is not ASCII, on one line."""
    at = next((at for at, char in enumerate(text) if not char.isascii()), 0)
    start = max(text.rfind("\n", 0, at) + 1, text.rfind("\t", 0, at) + 1, at - _EXCERPT // 2)
    shown = re.split(r"[\t\n\r]", text[start : start + _EXCERPT])[0].strip()
    return "".join(char if char.isprintable() else "?" for char in shown)


def _by_character(value_of):
    """A judge that looks at one character after the other."""
    cached = functools.lru_cache(maxsize=None)(value_of)
    return lambda text: [cached(char) for char in text if not char.isascii()]


def _first_level(frequent, standard, first, last):
    """A judge of Chinese characters: frequent ones, and those of a standard's first level, by their lead bytes."""

    def value(char):
        if char in frequent:
            return 1.0
        if _is_fullwidth(char):
            return 0.6
        if not "\u3400" <= char <= "\u9fff":
            return _value_elsewhere(char)
        code = char.encode(standard, "ignore")
        return 0.6 if len(code) == 2 and first <= code[0] <= last else 0.1

    return value


def _is_fullwidth(char):
    """Punctuation, letters and digits as Chinese, Japanese and Korean text has them."""
    return "\u3000" <= char <= "\u301f" or "\uff01" <= char <= "\uff5e" or char in "·—‘’“”…※°×"


def _value_elsewhere(char):
    return -1.0 if unicodedata.category(char) in ("Co", "Cn", "Cc", "Cs") else 0.0


_simplified = _first_level(_SIMPLIFIED, "gb2312", 0xB0, 0xD7)
_traditional = _first_level(_TRADITIONAL, "big5", 0xA4, 0xC6)
_kanji = _first_level(_KANJI, "shift_jis", 0x88, 0x98)


def _japanese(char):
    if "\u3041" <= char <= "\u3096" or "\u30a1" <= char <= "\u30fc":
        return 1.0
    return 0.5 if "\uff66" <= char <= "\uff9f" else _kanji(char)


def _korean(char):
    if "\uac00" <= char <= "\ud7a3":
        return 1.0 if char in _KOREAN else 0.6 if len(char.encode("euc_kr", "ignore")) == 2 else 0.1
    return 0.6 if _is_fullwidth(char) else min(0.0, _value_elsewhere(char))


def _any_script(text):
    """A judge of UTF-16: ASCII counts too."""
    judges = (_simplified, _traditional, _japanese, _korean)
    return [
        (1.0 if char.isprintable() or char in "\t\r\n" else -1.0)
        if char.isascii()
        else 0.8
        if char.lower() in _WESTERN | _CENTRAL | _CYRILLIC | _TYPOGRAPHY
        else 0.6
        if "\u0370" <= char <= "\u10ff" and char.isalpha()
        else max(judge(char) for judge in judges)
        for char in text.removeprefix("\ufeff")[:4096]
    ]


def _alphabet(letters, longest_run):
    """A judge of alphabets with one byte a letter.

    Args:
      letters: the lower-case letters that are not ASCII.
      longest_run: most of them in a row in a word; None where whole words are of them.
    """

    def values(text):
        found = []
        for run in re.finditer(r"[^\x00-\x7f]+", text):
            kinds = {char.isalpha() for char in run[0]}
            too_long = longest_run and len(run[0]) > (longest_run if len(kinds) == 1 else 2) and True in kinds
            for at, char in enumerate(run[0], run.start()):
                found.append(0.0 if too_long else _letter_value(text, at, char, letters))
        return found

    return values


def _letter_value(text, at, char, letters):
    before, after = text[at - 1 : at] or " ", text[at + 1 : at + 2] or " "
    if char.lower() in letters:
        is_mixed = letters is _CYRILLIC and any(one.isascii() and one.isalpha() for one in before + after)
        if is_mixed or after.isdecimal():
            return 0.0
        if char.isupper():  # inside a word of small letters a capital is out of place
            return -0.5 if before.islower() else 0.6 if before.lower() in letters else 0.9
        return 1.0
    return 0.7 if char in _TYPOGRAPHY and not (before.isalpha() and char in "¡¿²³¼½°") else -0.5


# Encodings of one family, the narrowest first: the first that can read the bytes -> the judge of what it reads.
_CANDIDATES = {
    ("gb18030",): _by_character(_simplified),
    ("big5", "cp950", "big5hkscs"): _by_character(_traditional),
    ("shift_jis", "cp932"): _by_character(_japanese),
    ("euc_jp",): _by_character(_japanese),
    ("euc_kr", "cp949"): _by_character(_korean),
    ("cp1252",): _alphabet(_WESTERN, 2),
    ("cp1250",): _alphabet(_CENTRAL, 4),
    ("cp1251",): _alphabet(_CYRILLIC, None),
}
