"""The built-in tasks: on the real files where they are at hand, else on rows in the official layout."""

import collections
import csv
import json
import logging

import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import check_labels
from bertline.processors.files.folders import AbsentError

TASKS = (
    "ag-news agnews chnsenticorp cola lcqmc mnli mnli-mm mr mrpc qnli qqp rte sim snli sst-2 sst2 sts-b stsb trec "
    "trec-fine wnli xnli"
)
NEWS = ("World", "Sports", "Business", "Sci/Tech")
MNLI_HEADER = (
    "index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse "
    "sentence1 sentence2"
)
SNLI_HEADER = MNLI_HEADER.replace("promptID pairID genre", "captionID pairID")
XNLI_HEADER = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    "sentence2 promptID pairID genre label1 label2 label3 label4 label5 sentence1_tokenized sentence2_tokenized match"
)


def examples(task, folder, split):
    """A split with its labels checked, and the processor."""
    processor = registry.get("processor", task)()
    found = getattr(processor, f"get_{split}_examples")(str(folder))
    check_labels(found, processor.get_labels(), split)
    return found


def table(path, header, *rows):
    """Writes a tab-separated file; header and rows are cells separated by spaces, `~` stands for a space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(cell.replace("~", " ") for cell in row.split()) for row in rows]
    path.write_text("\n".join(["\t".join(header.split()), *lines]) + "\n", encoding="utf-8")


# Counts from the data sets' SOURCE.txt.
@pytest.mark.parametrize(
    "task, folder, split, rows, labels",
    [
        ("mrpc", "glue_mrpc", "train", 3668, {"1": 2474, "0": 1194}),
        ("mrpc", "glue_mrpc", "dev", 408, {"1": 279, "0": 129}),
        ("mrpc", "glue_mrpc", "test", 1725, {None: 1725}),
        ("cola", "glue_cola", "train", 8551, {"1": 6023, "0": 2528}),
        ("cola", "glue_cola", "dev", 1043, {"1": 721, "0": 322}),
        ("cola", "glue_cola", "test", 1063, {None: 1063}),
        ("rte", "glue_rte", "train", 2490, {"entailment": 1249, "not_entailment": 1241}),
        ("rte", "glue_rte", "dev", 277, {"entailment": 146, "not_entailment": 131}),
        ("rte", "glue_rte", "test", 3000, {None: 3000}),
        ("sst-2", "glue_sst2", "train", 67349, {"1": 37569, "0": 29780}),
        ("sst2", "glue_sst2", "dev", 872, {"1": 444, "0": 428}),
        ("sst-2", "glue_sst2", "test", 1821, {None: 1821}),
        ("chnsenticorp", "chnsenticorp", "train", 9600, {"0": 4801, "1": 4799}),
        ("chnsenticorp", "chnsenticorp", "dev", 1200, {"0": 607, "1": 593}),
        ("chnsenticorp", "chnsenticorp", "test", 1200, {"1": 608, "0": 592}),
        ("lcqmc", "lcqmc_dev", "dev", 8802, {"1": 4402, "0": 4400}),
        ("ag-news", "ag_news_small", "train", 10001, dict(zip(NEWS, (2509, 2458, 2496, 2538)))),
        ("ag-news", "ag_news_small", "test", 7600, dict.fromkeys(NEWS, 1900)),
        ("mr", "mr", "train", 10662, {"0": 5331, "1": 5331}),
        ("trec", "trec", "train", 5452, {"ENTY": 1250, "HUM": 1223, "DESC": 1162, "NUM": 896, "LOC": 835, "ABBR": 86}),
        ("trec", "trec", "test", 500, {"DESC": 138, "NUM": 113, "ENTY": 94, "LOC": 81, "HUM": 65, "ABBR": 9}),
    ],
)
def test_counts(data_dir, task, folder, split, rows, labels):
    found = examples(task, data_dir / folder, split)
    assert len(found) == len({example.guid for example in found}) == rows
    assert collections.Counter(example.label for example in found) == labels


@pytest.mark.parametrize("split, rows, mean", [("train", 5749, 2.70), ("dev", 1500, 2.36), ("test", 1379, 2.61)])
def test_stsb_scores(data_dir, split, rows, mean):
    found = examples("sts-b", data_dir / "stsb", split)
    assert len(found) == rows
    assert min(e.label for e in found) == 0 and max(e.label for e in found) == 5
    assert sum(e.label for e in found) / rows == pytest.approx(mean, abs=0.005)


def test_trec_fine(data_dir):
    found = examples("trec-fine", data_dir / "trec", "train")
    assert {example.label for example in found} == set(registry.get("processor", "trec-fine")().get_labels())
    assert (found[0].label, found[0].text_a) == (
        "DESC:manner",
        "How did serfdom develop in and then leave Russia ?",
    )
    assert len({example.label for example in examples("trec-fine", data_dir / "trec", "test")}) == 42


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("task", ["mrpc", "cola"])
def test_rows_as_the_original_reads_them(data_dir, task, split):
    """The rules of the original's `_create_examples`, on its own csv reading; but no label is made up for test."""
    with open(data_dir / f"glue_{task}" / f"{split}.tsv", encoding="utf-8-sig", newline="") as file:
        rows = list(enumerate(csv.reader(file, delimiter="\t", quotechar=None)))
    if task == "mrpc":
        expected = [(f"{split}-{i}", row[3], row[4], None if split == "test" else row[0]) for i, row in rows[1:]]
    elif split == "test":
        expected = [(f"test-{i}", row[1], None, None) for i, row in rows[1:]]
    else:
        expected = [(f"{split}-{i}", row[3], None, row[1]) for i, row in rows]
    found = examples(task, data_dir / f"glue_{task}", split)
    assert [(e.guid, e.text_a, e.text_b, e.label) for e in found] == expected


def test_guids_and_labels_of_the_golden_file(data_dir, golden_dir):
    tasks = {task: {e.guid: e for e in examples(task, data_dir / f"glue_{task}", "dev")} for task in ("mrpc", "cola")}
    with open(golden_dir / "classifier_features.jsonl", encoding="utf-8") as file:
        golden = [json.loads(line) for line in file]
    assert len(golden) == 760
    for one in golden:
        assert tasks[one["task"]][one["guid"]].label == str(one["label_id"])


def test_source_is_file_and_line(data_dir):
    example = examples("mrpc", data_dir / "glue_mrpc", "dev")[16]
    with open(data_dir / "glue_mrpc" / "dev.tsv", encoding="utf-8") as file:
        assert example.text_b == file.read().split("\n")[17].split("\t")[4].removesuffix("\r")
    assert example.source.endswith("dev.tsv:18")


def test_ag_news_in_csv(data_dir, tmp_path):
    with open(data_dir / "ag_news_small" / "test.csv", "rb") as file:
        (tmp_path / "test.csv").write_bytes(file.read())
    found = examples("ag-news", tmp_path, "test")
    assert len(found) == 7600
    assert (found[0].label, found[0].text_a[:48]) == ("Business", "Fears for T N pension after talks Unions represe")


def test_mrpc_in_the_files_of_its_corpus(data_dir, tmp_path):
    for split, rows in (("train", 4076), ("test", 1725)):
        name = f"msr_paraphrase_{split}.txt"
        (tmp_path / name).write_bytes((data_dir / "glue_mrpc" / name).read_bytes())
        found = examples("mrpc", tmp_path, split)
        assert len(found) == rows and {example.label for example in found} == {"0", "1"}
    with pytest.raises(AbsentError, match=r"dev\.tsv: no such file"):
        examples("mrpc", tmp_path, "dev")


def test_mr_has_no_splits(data_dir):
    found = examples("mr", data_dir / "mr", "train")
    assert found[0].text_a == "simplistic , silly and tedious ." and found[0].source.endswith("rt-polarity.neg:1")
    for split in ("dev", "test"):
        with pytest.raises(AbsentError, match=f"MR has no {split} split"):
            examples("mr", data_dir / "mr", split)


def test_which_splits_are_a_tasks_own(data_dir, tmp_path):
    own = {
        (task, split): registry.get("processor", task)().has_split(str(data_dir / folder), split)
        for task, folder in (("trec", "trec"), ("ag-news", "ag_news_small"), ("mr", "mr"), ("mrpc", "glue_mrpc"))
        for split in ("train", "dev", "test")
    }
    assert [key for key, found in own.items() if not found] == [
        ("trec", "dev"),
        ("ag-news", "dev"),
        ("mr", "dev"),
        ("mr", "test"),
    ]


@pytest.mark.parametrize("task, folder", [("trec", "trec"), ("ag-news", "ag_news_small")])
def test_test_rows_standing_in_for_dev_are_announced(data_dir, caplog, task, folder):
    assert examples(task, data_dir / folder, "dev") == examples(task, data_dir / folder, "test")
    assert "evaluating on the test rows" in caplog.text


def test_ag_news_with_all_splits(tmp_path):
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.csv").write_text(f'"4","A ""{split}""","one\\two, three"\n')
        assert [(e.label, e.text_a) for e in examples("ag-news", tmp_path, split)] == [
            ("Sci/Tech", f'A "{split}" one\\two, three')
        ]


def test_qqp(tmp_path, caplog):
    header = "id qid1 qid2 question1 question2 is_duplicate"
    table(tmp_path / "train.tsv", header, "0 1 2 Why? How? 0", "1 3 4 broken~by", "2 5 6 Who? Who~is? 1")
    table(tmp_path / "test.tsv", "id question1 question2", "0 Where? When?")
    found = examples("qqp", tmp_path, "train")
    assert [(e.guid, e.text_a, e.text_b, e.label) for e in found] == [
        ("train-1", "Why?", "How?", "0"),
        ("train-3", "Who?", "Who is?", "1"),
    ]
    assert "train.tsv:3: 1 rows left out: another number of columns" in caplog.text
    assert [(e.text_a, e.text_b, e.label) for e in examples("qqp", tmp_path, "test")] == [("Where?", "When?", None)]
    assert registry.get("processor", "qqp").metrics == ("accuracy", "f1")


@pytest.mark.parametrize("task, match", [("mnli", "matched"), ("mnli-mm", "mismatched")])
def test_mnli(tmp_path, task, match):
    row = "p q g b b s s A~premise. A~hypothesis."
    table(tmp_path / "train.tsv", f"{MNLI_HEADER} label1 gold_label", f"77 {row} neutral neutral")
    annotators = "neutral entailment neutral neutral neutral"
    dev_header = f"{MNLI_HEADER} label1 label2 label3 label4 label5 gold_label"
    table(tmp_path / f"dev_{match}.tsv", dev_header, f"78 {row} {annotators} contradiction")
    table(tmp_path / f"test_{match}.tsv", MNLI_HEADER, f"79 {row}")
    found = [examples(task, tmp_path, split)[0] for split in ("train", "dev", "test")]
    assert [e.guid for e in found] == ["train-77", f"dev_{match}-78", "test-79"]
    assert [e.label for e in found] == ["neutral", "contradiction", None]
    assert {(e.text_a, e.text_b) for e in found} == {("A premise.", "A hypothesis.")}
    assert registry.get("processor", task)().get_labels() == ["contradiction", "entailment", "neutral"]


@pytest.mark.parametrize(
    "task, header, label",
    [
        ("qnli", "index question sentence", "not_entailment"),
        ("rte", "index sentence1 sentence2", "entailment"),
        ("wnli", "index sentence1 sentence2", "1"),
    ],
)
def test_index_pair_label(tmp_path, task, header, label):
    table(tmp_path / "dev.tsv", f"{header} label", f"0 a~b c {label}")
    table(tmp_path / "test.tsv", header, "0 a~b c")
    (dev,), (test,) = examples(task, tmp_path, "dev"), examples(task, tmp_path, "test")
    assert (dev.guid, dev.text_a, dev.text_b, dev.label) == ("dev-1", "a b", "c", label)
    assert (test.guid, test.text_a, test.text_b, test.label) == ("test-1", "a b", "c", None)


def test_stsb_in_glue_layout(tmp_path):
    header = "index genre filename year old_index source1 source2 sentence1 sentence2"
    table(tmp_path / "train.tsv", f"{header} score", "0 g f y 1 s s A~plane. A~bird. 3.80")
    table(tmp_path / "test.tsv", header, "0 g f y 1 s s A~plane. A~bird.")
    (example,) = examples("stsb", tmp_path, "train")
    assert (example.text_a, example.text_b, example.label) == ("A plane.", "A bird.", 3.8)
    assert examples("stsb", tmp_path, "test")[0].label is None
    table(tmp_path / "dev.tsv", f"{header} score", "0 g f y 1 s s A~plane. A~bird. high")
    with pytest.raises(InputError, match=r"dev\.tsv:2: score 'high'; a number is needed"):
        examples("stsb", tmp_path, "dev")


def test_snli_in_both_layouts(tmp_path, caplog):
    glue, stanford = tmp_path / "glue", tmp_path / "stanford"
    row = "0 c p b b s s A~man. A~dog."
    header = f"{SNLI_HEADER} label1 label2 label3 label4 label5 gold_label"
    table(glue / "dev.tsv", header, f"{row} neutral neutral - - - neutral", f"{row} neutral entailment - - - -")
    table(glue / "test.tsv", header, f"{row} neutral neutral - - - neutral", f"{row} neutral entailment - - - -")
    parses = "sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse"
    table(
        stanford / "snli_1.0_dev.txt",
        f"gold_label {parses} sentence1 sentence2 captionID pairID label1",
        "- b b s s A~cat. A~dog. c p neutral",
        "neutral b b s s A~man. A~dog. c p neutral",
    )
    for folder, guid in ((glue, "dev-1"), (stanford, "dev-2")):
        (example,) = examples("snli", folder, "dev")
        assert (example.guid, example.text_a, example.text_b, example.label) == (guid, "A man.", "A dog.", "neutral")
    assert caplog.text.count("1 rows left out: label '-'") == 2
    assert [e.label for e in examples("snli", glue, "test")] == ["neutral", None]


def test_xnli(tmp_path):
    table(tmp_path / "multinli/multinli.train.zh.tsv", "premise hypo label", "前提 假设 contradictory", "甲 乙 neutral")
    rest = "p p g neutral neutral neutral neutral neutral t t True"
    rows = [f"{language} entailment b b s s {language}前 后 {rest}" for language in ("ar", "zh", "en", "zh")]
    table(tmp_path / "xnli.dev.tsv", XNLI_HEADER, *rows)
    train, dev = examples("xnli", tmp_path, "train"), examples("xnli", tmp_path, "dev")
    assert [(e.guid, e.text_a, e.text_b, e.label) for e in train] == [
        ("train-1", "前提", "假设", "contradiction"),
        ("train-2", "甲", "乙", "neutral"),
    ]
    assert [(e.guid, e.text_a, e.text_b) for e in dev] == [("dev-2", "zh前", "后"), ("dev-4", "zh前", "后")]
    assert {e.label for e in dev} == {"entailment"}
    processor = registry.get("processor", "xnli")
    assert [e.guid for e in processor(xnli_language="en").get_dev_examples(str(tmp_path))] == ["dev-3"]
    with pytest.raises(InputError, match="5 rows, none of them an example of this task"):
        processor(xnli_language="fr").get_dev_examples(str(tmp_path))
    with pytest.raises(InputError, match=r"multinli\.train\.fr\.tsv: no such file"):
        processor(xnli_language="fr").get_train_examples(str(tmp_path))


@pytest.mark.parametrize("header", ["", "label\ttext_a\ttext_b\n"])
def test_sim_with_and_without_header(tmp_path, header):
    (tmp_path / "train.tsv").write_text(header + "1\t你好吗\t您好吗\n0\t你好\t再见\n", encoding="utf-8")
    found = examples("sim", tmp_path, "train")
    assert [(e.label, e.text_a, e.text_b) for e in found] == [("1", "你好吗", "您好吗"), ("0", "你好", "再见")]
    (tmp_path / "test.tsv").write_text("text_a\ttext_b\n" * bool(header) + "你好\t再见\n", encoding="utf-8")
    assert [(e.label, e.text_a, e.text_b) for e in examples("sim", tmp_path, "test")] == [(None, "你好", "再见")]


@pytest.mark.parametrize("header, has", [("", "line 1 has 3"), ("label\ttext_a\ttext_b\n", "the header has 3")])
def test_sim_with_a_tab_inside_a_text(tmp_path, header, has):
    (tmp_path / "train.tsv").write_text(header + "1\tA\tB\n0\tA tab\tinside\tB\n")
    with pytest.raises(InputError, match=rf"train\.tsv:\d: 4 columns, {has}; is there a delimiter inside a text"):
        examples("sim", tmp_path, "train")


@pytest.mark.parametrize(
    "task, file, text, error",
    [
        (
            "mrpc",
            "train.tsv",
            "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t2\t3\ta\n",
            r"train\.tsv:2: 4 columns, column 5 \(#2 String\) is needed; is the file tab-separated\?",
        ),
        (
            "mrpc",
            "train.tsv",
            "Quality,#1 ID,#2 ID,#1 String,#2 String\n1,2,3,a,b\n",
            r"train\.tsv:2: 1 columns, column 4 \(text_a\) is needed; is the file tab-separated\?",
        ),
        ("mrpc", "train.tsv", "1\t2\t3\ta\tb\n", r"train\.tsv:1: label '1' in the header; is the header missing\?"),
        ("mrpc", "train.tsv", "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n", "1 rows, none of them an example"),
        ("cola", "train.tsv", "gj04\t1\t\ta\n\ngj04\t0\t\tb\n", r"train\.tsv:2: empty line, column 4"),
        ("cola", "train.tsv", "source\tlabel\tmark\tsentence\n", r"train\.tsv:1: label 'label' in train; allowed: 0"),
        (
            "rte",
            "train.tsv",
            "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailed\n",
            r"train\.tsv:2: label 'entailed' in train; .*did you mean 'entailment'\?",
        ),
        ("sst-2", "trian.tsv", "sentence\tlabel\n", r"train\.tsv: no such file .*did you mean trian\.tsv\?"),
        ("trec", "TREC.train", "LOC:city Where ?\nWhat\n", r"TREC\.train:2: 'What'; `COARSE:fine question`"),
    ],
)
def test_bad_files_are_explained(tmp_path, task, file, text, error):
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=error) as raised:
        examples(task, tmp_path, "train")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", TASKS.split())
def test_every_task_declares_what_the_scripts_need(name):
    processor = registry.get("processor", name)()
    labels = processor.get_labels()
    assert len(set(labels)) == len(labels)
    assert (labels == []) == (processor.problem_type == "regression")
    assert processor.metrics and set(processor.metrics) <= set(registry.names("score"))
    # As in the original's eval_results.txt; CoLA's best is picked by the metric of GLUE nevertheless.
    assert ("accuracy" in processor.metrics) == bool(labels)
    assert name != "cola" or processor.metrics[0] == "mcc"


def test_logging_is_silent_on_clean_files(data_dir, caplog):
    with caplog.at_level(logging.WARNING):
        examples("mrpc", data_dir / "glue_mrpc", "train")
    assert not caplog.records
