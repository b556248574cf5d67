"""The generic processor for anybody's TSV, CSV and JSON lines."""

import collections
import csv
import json
import logging
import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import check_labels
from bertline.processors.tasks.classification.delimited import DelimitedProcessor

SAMPLES = pathlib.Path(__file__).parents[4] / "samples" / "intents"
X_THEN_A = {"text_a_column": 1, "label_column": 0}
MULTI = "multi_label_classification"


def read(folder, split="train", **arguments):
    """(label, text_a, text_b) of a split."""
    processor = DelimitedProcessor(**arguments)
    found = getattr(processor, f"get_{split}_examples")(str(folder))
    return [(e.label, e.text_a, e.text_b) for e in found]


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write_file


def test_samples_without_any_argument():
    processor = DelimitedProcessor()
    train = processor.get_train_examples(str(SAMPLES))
    with open(SAMPLES / "train.tsv", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    assert [[e.label, e.text_a] for e in train] == rows
    assert train[0].guid == "train-1" and train[0].source.endswith("train.tsv:2")
    assert processor.get_labels() == sorted({label for label, _ in rows})
    for split in ("dev", "test"):
        found = getattr(processor, f"get_{split}_examples")(str(SAMPLES))
        assert found
        check_labels(found, processor.get_labels(), split)


def test_columns_by_name_on_mrpc(data_dir):
    names = {"text_a_column": "#1 String", "text_b_column": "#2 String", "label_column": "Quality"}
    train = read(data_dir / "glue_mrpc", **names, id_column="#1 ID")
    assert collections.Counter(label for label, _, _ in train) == {"1": 2474, "0": 1194}
    assert train[0][2].startswith('Referring to him as only "the witness", ')
    assert {label for label, _, _ in read(data_dir / "glue_mrpc", "test", **names)} == {None}


def test_scores_by_number_on_stsb(data_dir, write):
    arguments = {
        "train_file": "sts-train.csv",
        "delimiter": "\\t",
        "text_a_column": "5",
        "text_b_column": 6,
        "label_column": "4",
        "problem_type": "regression",
        "quoting": "none",
    }
    with pytest.raises(InputError, match="9 columns, line 1 has 7"):  # a few rows name a source and a licence
        read(data_dir / "stsb", **arguments)
    lines = (data_dir / "stsb" / "sts-train.csv").read_text("utf-8").split("\n")
    found = read(write("sts-train.csv", "\n".join("\t".join(line.split("\t")[:7]) for line in lines)), **arguments)
    assert len(found) == 5749
    assert found[0] == (5.0, "A plane is taking off.", "An air plane is taking off.")
    assert sum(score for score, _, _ in found) / 5749 == pytest.approx(2.70, abs=0.005)


def test_no_header_on_ag_news_and_atec(data_dir):
    found = read(data_dir / "ag_news_small", "test", test_file="test.tsv", text_a_column=0, label_column=1)
    topics = ["Business", "Sci/Tech", "Sports", "World"]
    assert collections.Counter(label for label, _, _ in found) == dict.fromkeys(topics, 1900)
    atec = {"train_file": "atec_nlp_sim_train.csv", "text_a_column": 1, "text_b_column": 2, "label_column": 3}
    found = read(data_dir / "atec", delimiter="\t", id_column=0, **atec)
    assert collections.Counter(label for label, _, _ in found) == {"0": 30797, "1": 8549}
    with pytest.raises(InputError, match=r"csv:1: 1 columns, column 2 .*is the file comma-separated\?"):
        read(data_dir / "atec", **atec)


def test_json_lines_on_ocnli(data_dir):
    found = read(data_dir / "ocnli", "dev", dev_file="dev.json")
    assert collections.Counter(label for label, _, _ in found) == {
        "neutral": 1103,
        "entailment": 947,
        "contradiction": 900,
        "-": 50,
    }
    assert all(text_b for _, _, text_b in found)


FIELD = st.text('ab",\t\n;é中 ', min_size=1, max_size=8).filter(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(FIELD, FIELD, st.sampled_from(["yes", "no"])), min_size=1, max_size=6))
def test_csv_and_json_lines_give_what_was_written(tmp_path, rows):
    with open(tmp_path / "a.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "text_b", "label"), *rows])
    with open(tmp_path / "a.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"label": c, "text": a, "text_b": b}) + "\n" for a, b, c in rows)
    expected = [(c, a, b) for a, b, c in rows]
    assert read(tmp_path, train_file="a.csv") == expected
    assert read(tmp_path, train_file="a.jsonl") == expected


@pytest.mark.parametrize(
    "text, arguments, expected",
    [
        ("label\ttext\nx\ta\n", {}, ("x", "a", None)),
        ("Text\tIntent\na\tx\n", {}, ("x", "a", None)),
        ("sentence1\tsentence2\tscore\na\tb\t1\n", {}, ("1", "a", "b")),
        ("sentence1\tsentence2\tscore\na\tb\t1\n", {"text_a_column": "sentence1"}, ("1", "a", None)),
        ("note\tlabel\na\tx\n", {"text_a_column": "note"}, ("x", "a", None)),
        ("kind\tsays\nx\ta\n", {**X_THEN_A, "has_header": True}, ("x", "a", None)),
        ("label\ttext\nx\ta\n", X_THEN_A, ("x", "a", None)),
        ("label\ttext\nx\ta\n", {**X_THEN_A, "has_header": False}, ("label", "text", None)),
        ("x\ta\n", {"text_a_column": "1", "label_column": "0"}, ("x", "a", None)),
        ("1\t0\nx\ta\n", {"text_a_column": "0", "label_column": "1", "has_header": True}, ("x", "a", None)),
        ("1\t0\tlabel\nb\ta\tx\n", {"text_a_column": "0"}, ("x", "a", None)),
        ("1\tgood\n0\tbad\n", {"text_a_column": "1", "label_column": "0"}, ("1", "good", None)),
        ("0\tbad\n1\tgood\n", {"text_a_column": "1", "label_column": "0"}, ("0", "bad", None)),
        ("0\t1\nx\ta\n", {"text_a_column": "1", "label_column": "0", "has_header": False}, ("0", "1", None)),
        ("x\ta\t\ny\tb\nz\tc\t\t\n", X_THEN_A, ("x", "a", None)),
        ('x|"a|b"\n', {"delimiter": "|", "quoting": "minimal", **X_THEN_A}, ("x", "a|b", None)),
        ('x\t"a\n', X_THEN_A, ("x", '"a', None)),
        ("x \ta\n", X_THEN_A, ("x", "a", None)),
    ],
)
def test_headers_columns_and_quotes(write, text, arguments, expected):
    assert read(write("train.tsv", text), **arguments)[0] == expected


def test_encoding(tmp_path):
    (tmp_path / "train.csv").write_bytes("text,label\nçé,x\n".encode("latin-1"))
    assert read(tmp_path, encoding="latin-1") == [("x", "çé", None)]


def test_choice_of_columns_is_logged_in_a_line(write, caplog):
    with caplog.at_level(logging.INFO):
        read(write("train.tsv", "label\tutterance\nx\ta\n"))
    (record,) = caplog.records
    assert record.getMessage().endswith("train.tsv: 1 rows, header, columns: text_a = utterance, label = label")


def test_labels_in_natural_order(write):
    def learnt(*labels, **arguments):
        processor = DelimitedProcessor(**arguments)
        processor.get_train_examples(str(write("train.tsv", "label\ttext\n" + "".join(f"{x}\ta\n" for x in labels))))
        return processor.get_labels()

    assert learnt("10", "9", "-1", "2.5", "9") == ["-1", "2.5", "9", "10"]
    assert learnt("class 10", "class 2", "alpha") == ["alpha", "class 2", "class 10"]
    assert learnt("b", "1", "a") == ["1", "a", "b"]
    assert learnt("nan", "2", "b", "inf", "1") == ["1", "2", "b", "inf", "nan"]
    # Equal numbers: by their text, since a set has another order in each process.
    assert learnt("1e0", "1.00", "01", "1.0", "1", "001") == ["001", "01", "1", "1.0", "1.00", "1e0"]
    assert learnt("a 1", "a 001", "a 0001", "a 01") == ["a 0001", "a 001", "a 01", "a 1"]
    assert learnt("b", "a", label_list=["b", "c", "a"]) == ["b", "c", "a"]
    assert learnt("b;a", "c", "", "a; c", problem_type=MULTI, label_separator=";") == ["a", "b", "c"]
    with pytest.raises(InputError, match="labels are not known before"):
        DelimitedProcessor().get_labels()
    assert DelimitedProcessor(problem_type="regression").get_labels() == []


def test_several_labels(write):
    folder = write("train.tsv", "label\ttext\nb,a\tx\n\ty\na, a ,c\tz\n")
    assert [label for label, _, _ in read(folder, problem_type=MULTI)] == [("b", "a"), (), ("a", "c")]
    folder = write("dev.jsonl", '{"text": "x", "label": ["b", 1]}\n{"text": "y", "label": []}\n')
    assert [label for label, _, _ in read(folder, "dev", problem_type=MULTI)] == [("b", "1"), ()]


def test_json_values_become_classes_or_scores(write):
    folder = write("train.jsonl", "".join(f'{{"text": "a", "label": {x}}}\n' for x in ("1", "true", '"c"', "null")))
    assert [label for label, _, _ in read(folder)] == ["1", "true", "c", None]
    folder = write("dev.jsonl", '{"text": "a", "score": 2}\n{"text": 7, "score": "-1e3"}\n')
    assert read(folder, "dev", problem_type="regression") == [(2.0, "a", None), (-1000.0, "7", None)]


@pytest.mark.parametrize(
    "name, text, arguments",
    [
        ("test.tsv", "text\na\n", {}),
        ("test.tsv", "text\na\n", {"text_a_column": "text", "label_column": "kind"}),
        ("test.tsv", "text\tlabel\na\t\n", {}),
        ("test.tsv", "a\n", {"text_a_column": 0, "label_column": 1}),
        ("test.jsonl", '{"text": "a"}\n', {}),
        ("test.jsonl", '{"text": "a", "label": null}\n', {}),
    ],
)
@pytest.mark.parametrize("problem_type", ["single_label_classification", "regression", MULTI])
def test_unlabelled_test_rows_stay_unlabelled(write, name, text, arguments, problem_type):
    assert read(write(name, text), "test", problem_type=problem_type, **arguments) == [(None, "a", None)]


@pytest.mark.parametrize(
    "name, text, arguments, error",
    [
        ("train.tsv", "text,label\na,x\n", {}, r"tsv:1: none .*line 1 has: text,label; .*is the delimiter ','\?"),
        (
            "train.tsv",
            "kind\tsays\nx\ta\n",
            {"text_a_column": "text", "label_column": "kind"},
            r"train\.tsv:1: no column 'text'; line 1 has: kind, says; give --text_a_column, a name or a number from 0",
        ),
        ("train.tsv", "text\tkind\na\tx\n", {}, r"tsv:1: none of the columns is named label, intent, .*label_column"),
        ("train.tsv", "text\ttext\tlabel\na\tb\tx\n", {"text_a_column": "text"}, "'text' is there twice"),
        ("train.tsv", "text\tlabel\na\tx\nb\n", {}, r"tsv:3: 1 columns, column 2 \(label\) is needed"),
        ("train.tsv", "text\tlabel\na\tx\nb\tc\ty\n", {}, r"tsv:3: 3 columns, the header has 2; is there"),
        (
            "train.tsv",
            "0\tgood\n0\tbad tab\tinside and more\n",
            X_THEN_A,
            r"train\.tsv:2: 3 columns, line 1 has 2; is there a delimiter inside a text\?",
        ),
        ("train.tsv", "0\tbad\ttab\n0\tgood\n", X_THEN_A, r"tsv:2: 2 columns, line 1 has 3; is there a delimiter"),
        (
            "train.tsv",
            "0\t1\nx\ta\n",
            {"text_a_column": "1", "label_column": "0"},
            r"train\.tsv:1: 1 and 0 are cells of line 1, .*; say by --has_header whether it is a header",
        ),
        ("train.tsv", "text\tlabel\n", {}, r"train\.tsv: a header and no rows"),
        ("train.csv", 'text,label\na,x\n"b,y\n', {}, r"train\.csv:3: unexpected end of data"),
        ("train.tsv", "text\tscore\na\thigh\n", {"problem_type": "regression"}, r"tsv:2: score 'high'; a number"),
        (
            "train.tsv",
            "says\tkind\n" + "a\tx\nb\ty\n" * 4,
            {"text_a_column": 0, "label_column": 1},
            r"train\.tsv:1: label 'kind' is in no other row; say by --has_header if it is one",
        ),
        ("train.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"\n', {}, r"jsonl:2: not JSON: .*one JSON object"),
        ("train.jsonl", '["a", "x"]\n', {}, r"train\.jsonl:1: .*one JSON object a line"),
        (
            "train.jsonl",
            '{"text": "a", "label": "x"}\n{"text": "b \\ud83d", "label": "x"}\n',
            {},
            r"train\.jsonl:2: \\ud83d without its other half is no character",
        ),
        ("train.jsonl", '{"text": "a", "label": "\\ud83d"}\n', {}, r"train\.jsonl:1: \\ud83d without"),
        ("train.jsonl", "[" * 100_000 + "\n", {}, r"train\.jsonl:1: .*nested too deeply"),
        ("train.jsonl", '{"text": "a", "label": "x"}\n{"label": "y"}\n', {}, r"jsonl:2: no text_a; a text"),
        ("train.jsonl", '{"text": "a", "label": ["x"]}\n', {}, r"train\.jsonl:1: label \['x'\]; one label is needed"),
        ("train.xls", "text\tlabel\n", {"train_file": "train.xls"}, r"train\.xls: the ending \.xls is none of \.tsv, "),
        ("tran.tsv", "text\tlabel\n", {}, r"train\.tsv: no such file .*did you mean tran\.tsv\?"),
        ("tran.tsv", "text\tlabel\n", {"train_file": "trans.tsv"}, r"trans\.tsv: .*did you mean tran\.tsv"),
    ],
)
def test_bad_files_are_explained(write, name, text, arguments, error):
    with pytest.raises(InputError, match=error) as raised:
        read(write(name, text), **arguments)
    assert "\n" not in str(raised.value)


def test_two_files_for_a_split(write):
    write("train.tsv", "text\tlabel\na\tx\n")
    folder = write("train.csv", "text,label\nb,y\n")
    with pytest.raises(InputError, match=r"train\.tsv and train\.csv are both there; say which by --train_file"):
        read(folder)
    assert read(folder, train_file="train.csv") == [("y", "b", None)]
    assert DelimitedProcessor(train_file=str(folder / "train.csv")).get_train_examples(None)[0].label == "y"


def test_a_remote_file_beside_a_local_folder(write):
    pytest.importorskip("tensorflow")
    folder = write("train.tsv", "text\tlabel\na\tx\n")
    assert read("/nowhere", train_file=f"file://{folder}/train.tsv") == [("x", "a", None)]


@pytest.mark.parametrize("split", ["train", "dev"])
def test_missing_and_unknown_labels_are_named(write, split):
    folder = write(f"{split}.tsv", "text\tlabel\na\tx\nb\t\nc\tz\n")
    processor = DelimitedProcessor(label_list=["x", "z"])
    with pytest.raises(InputError, match=rf"{split}\.tsv:3: no label"):
        check_labels(getattr(processor, f"get_{split}_examples")(str(folder)), processor.get_labels(), split)
    found = DelimitedProcessor().get_train_examples(str(write("train.tsv", "text\tlabel\na\tx\nb\tz\n")))
    with pytest.raises(InputError, match=r"train\.tsv:3: label 'z' in train; allowed: x, y"):
        check_labels(found, ["x", "y"], "train")


@pytest.mark.parametrize("problem_type", ["single_label_classification", "regression", MULTI])
def test_metrics_are_known(problem_type):
    metrics = DelimitedProcessor(problem_type=problem_type).metrics
    assert metrics and set(metrics) <= set(registry.names("score"))


@pytest.mark.parametrize("arguments", [{"problem_type": "clustering"}, {"quoting": "some"}, {"delimiter": "||"}])
def test_arguments_are_checked(arguments):
    (name,) = arguments
    with pytest.raises(InputError, match=name):
        DelimitedProcessor(**arguments)


def test_a_name_that_is_nearly_right(write):
    folder = write("train.tsv", "Text \tQuality\tsentence_2\na\tx\tb\n")
    for arguments, near in (
        (
            {"text_a_column": "text", "label_column": "Quality"},
            r"no column 'text'; .*; did you mean Text \? --text_a_column=",
        ),
        ({"text_a_column": "Text ", "label_column": "quality"}, "did you mean Quality? --label_column=Quality"),
        ({"text_a_column": "Text ", "label_column": "Qualty"}, "did you mean Quality? --label_column=Quality"),
        (
            {"label_column": "Quality", "text_a_column": "Text ", "text_b_column": "sentence2"},
            "mean sentence_2? --text_b",
        ),
        (
            {"label_column": "Quality", "text_a_column": "Text ", "text_b_column": "other"},
            "give --text_b_column, a name",
        ),
    ):
        with pytest.raises(InputError) as raised:
            read(folder, **arguments)
        assert near.replace("\\?", "?").split(".*;")[-1] in str(raised.value)
    write("test.tsv", "text\tquality\na\tx\n")  # which would be a file without labels
    with pytest.raises(InputError, match=r"test.tsv:1: no column 'Quality'; .*did you mean quality\?"):
        read(folder, "test", label_column="Quality")
    folder = write("train.tsv", "text\tlabels\na\tx\n")
    with pytest.raises(InputError, match=r"named label, intent, .*; did you mean labels\? --label_column=labels"):
        read(folder)


PANDAS = 'text\tlabel\n"the film\nis late"\tgood\na dull film\tbad\n'


@pytest.mark.parametrize(
    "text",
    [
        PANDAS,
        'label\ttext\ngood\t"the film\nis late"\nbad\ta dull film\n',
        'text\n"the film\nis late"\na dull film\n',
        'id\ttext\tlabel\n1\tx\ty\n2\t"a ""b""\n\nc"\ty\n',
    ],
)
def test_quoted_line_ends_name_the_flag(write, text):
    """As pandas writes them to a .tsv file; without the flag some lines would be rows of their own."""
    folder = write("test.tsv", text)
    with pytest.raises(InputError, match="test.tsv: cells are in double quotes .*; --quoting=minimal reads them"):
        read(folder, "test")
    rows = list(csv.DictReader(text.splitlines(keepends=True), delimiter="\t"))
    assert [text_a for _, text_a, _ in read(folder, "test", quoting="minimal")] == [row["text"] for row in rows]


def test_quotes_that_are_text(write, caplog):
    """Dialogue: a row begins with a quotation mark, a later one ends with one."""
    folder = write("train.tsv", 'text\tlabel\n"Hello, he said.\tx\nAnd then: bye."\ty\n"So?"\tx\n')
    assert [text for _, text, _ in read(folder)] == ['"Hello, he said.', 'And then: bye."', '"So?"']
    folder = write("train.tsv", 'text\tlabel\n"say ""hello"" again"\tx\nb\ty\n')
    assert [text for _, text, _ in read(folder, quoting="none")] == ['"say ""hello"" again"', "b"]
    assert not caplog.messages
    read(folder)
    assert "1 cells are in double quotes, as pandas writes them, and keep them: --quoting=minimal" in caplog.text


COLUMNS = "text\tcalm\tangry\tglad\na\t1\t0\t1\nb\t0\t0\t0\nc\t0\t1\t0\n"


@pytest.mark.parametrize(
    "name, text",
    [
        ("train.tsv", COLUMNS),
        ("train.csv", COLUMNS.replace("\t", ",").replace("1", "1.0")),
        (
            "train.jsonl",
            "".join(
                json.dumps({"text": text, "calm": calm, "angry": angry, "glad": glad}) + "\n"
                for text, calm, angry, glad in (("a", 1, 0, True), ("b", 0, 0.0, False), ("c", False, 1, 0))
            ),
        ),
    ],
)
@pytest.mark.parametrize("column", ["angry,calm,glad", "angry, calm ,glad"])
def test_a_column_for_each_label(write, name, text, column):
    processor = DelimitedProcessor(label_column=column, problem_type=MULTI)
    found = processor.get_train_examples(str(write(name, text)))
    assert [set(example.label) for example in found] == [{"calm", "glad"}, set(), {"angry"}]
    assert processor.get_labels() == ["angry", "calm", "glad"]
    check_labels(found, processor.get_labels(), "train")


def test_a_column_for_each_label_by_number_and_in_test(write):
    folder = write("train.tsv", COLUMNS)
    processor = DelimitedProcessor(label_column="1,2,3", problem_type=MULTI)
    assert [one.label for one in processor.get_train_examples(str(folder))] == [("calm", "glad"), (), ("angry",)]
    assert processor.get_labels() == ["calm", "angry", "glad"]
    write("test.tsv", "text\na\n")
    assert [
        one.label
        for one in DelimitedProcessor(label_column="calm,angry", problem_type=MULTI).get_test_examples(str(folder))
    ] == [None]
    write("test.tsv", "text\tcalm\tangry\na\t\t\nb\t1\t0\n")
    assert [
        one.label
        for one in DelimitedProcessor(label_column="calm,angry", problem_type=MULTI).get_test_examples(str(folder))
    ] == [None, ("calm",)]
    # A column whose name has a comma is one column.
    write("train.tsv", "text\ta,b\nx\ty;z\n")
    assert read(folder, label_column="a,b", problem_type=MULTI, label_separator=";") == [(("y", "z"), "x", None)]


@pytest.mark.parametrize(
    "text, arguments, message",
    [
        (COLUMNS, {"label_column": "calm,angry"}, "several columns, one for each label, are for --problem_type="),
        (COLUMNS, {"label_column": "calm,angri", "problem_type": MULTI}, r"no column 'angri'; .*did you mean angry\?"),
        (
            COLUMNS.replace("1\t0\t1", "1\t0\t2"),
            {"label_column": "calm,angry,glad", "problem_type": MULTI},
            "train.tsv:2: '2' in the column glad; 0 or 1 is needed",
        ),
        (
            COLUMNS.replace("1\t0\t1", "1\t0\t"),
            {"label_column": "calm,angry,glad", "problem_type": MULTI},
            "train.tsv:2: '' in the column glad; 0 or 1 is needed",
        ),
        (
            "a\t1\t0\nb\t0\t1\n",
            {"text_a_column": 0, "label_column": "1,2", "problem_type": MULTI},
            "several columns have names in a header only",
        ),
    ],
)
def test_wrong_columns_of_labels(write, text, arguments, message):
    with pytest.raises(InputError, match=message):
        read(write("train.tsv", text), **arguments)


@pytest.mark.parametrize("label", ["a\tb", "a\nb", "a\u2028b", "a\x85b"])
@pytest.mark.parametrize("several", [False, True])
def test_labels_are_names_on_one_line(write, label, several):
    value = [label, "c"] if several else label
    folder = write(
        "train.jsonl", json.dumps({"text": "x", "label": "c"}) + "\n" + json.dumps({"text": "y", "label": value})
    )
    processor = DelimitedProcessor(problem_type=MULTI if several else "single_label_classification")
    found = processor.get_train_examples(str(folder))
    with pytest.raises(InputError, match=r"train.jsonl:2: the label 'a\\.+b' has a tab or a line end"):
        check_labels(found, processor.get_labels(), "train")


def numbered(count):
    return "text\tlabel\n" + "".join(f"text {i}\t{'xy'[i % 2]}\n" for i in range(count))


def test_one_file_is_split(write, caplog):
    caplog.set_level(logging.INFO)
    folder = write("reviews.tsv", numbered(100))

    def splits(**arguments):
        processor = DelimitedProcessor(dev_fraction=0.1, test_fraction=0.2, **arguments)
        names = ("train", "dev", "test")
        return processor, [getattr(processor, f"get_{name}_examples")(str(folder)) for name in names]

    processor, (train, dev, test) = splits()
    assert [len(train), len(dev), len(test)] == [70, 10, 20]
    assert collections.Counter(one.label for one in test) == {"x": 10, "y": 10}
    assert sorted(one.text_a for one in [*train, *dev, *test]) == sorted(f"text {i}" for i in range(100))
    number = int(dev[0].text_a.split()[1])
    assert (dev[0].guid, dev[0].source) == (f"dev-{number + 1}", f"{folder}/reviews.tsv:{number + 2}")
    assert "reviews.tsv: 100 rows, split by --split_seed=1: 70 train, 10 dev, 20 test" in caplog.text
    assert processor.get_labels() == ["x", "y"]
    lines = processor.splitter.lines()
    assert len(lines) == 101 and lines[0].split("\t")[:2] == ["split", "guid"]
    _, (_, _, other) = splits(split_seed=2, train_file="reviews.tsv")
    assert {one.text_a for one in other} != {one.text_a for one in test}
    write("test.tsv", numbered(2))
    with pytest.raises(InputError, match="test.tsv has test rows, and --test_fraction=0.2 takes them from"):
        splits(train_file="reviews.tsv")
    processor = DelimitedProcessor(dev_fraction=0.1, train_file="reviews.tsv")
    assert len(processor.get_test_examples(str(folder))) == 2 and len(processor.get_train_examples(str(folder))) == 90
    write("other.csv", "text,label\na,x\n")
    (folder / "test.tsv").unlink()
    with pytest.raises(InputError, match="other.csv and reviews.tsv are both there; say which by --train_file"):
        splits()


def test_the_group_of_a_row_is_read_where_its_column_is_named(write):
    folder = write("train.tsv", "text\tlabel\tauthor\none\ta\tIda\ntwo\tb\t7\n")
    write("dev.tsv", "text\tlabel\none\ta\n")
    processor = DelimitedProcessor(group_column="author")
    assert [one.group for one in processor.get_train_examples(str(folder))] == ["Ida", "7"]
    assert [one.group for one in processor.get_dev_examples(str(folder))] == [None]
    assert [one.group for one in DelimitedProcessor(group_column=2).get_train_examples(str(folder))] == ["Ida", "7"]
    assert {one.group for one in DelimitedProcessor().get_train_examples(str(folder))} == {None}
    with pytest.raises(InputError, match="no column 'authors'; .*did you mean author\\? --group_column=author"):
        DelimitedProcessor(group_column="authors").get_train_examples(str(folder))
