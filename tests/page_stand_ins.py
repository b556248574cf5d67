"""Small made-up files in the formats of the data sets that pages name."""

import json
import shutil

from colours import sentences
from pages import ROOT

SPLITS = (("train", 48, 1), ("dev", 16, 2), ("test", 16, 3))


def write(path, rows, header=None):
    """Lines of cells between tabs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(str(cell) for cell in row) for row in ([header] if header else []) + rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def pairs(count, seed):
    """(text_a, text_b, 0 or 1)."""
    return [(a, b, int(label == "blue")) for a, b, label in sentences(count, seed, pair=True)]


def scored(count, seed):
    """(text_a, text_b, score from 0 to 5)."""
    return [(a, b, (len(a) + 3 * len(b)) % 51 / 10) for a, b, _ in sentences(count, seed, pair=True)]


def write_mrpc(folder):
    for split, count, seed in SPLITS:
        header, unlabelled = ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], split == "test"
        rows = [(i if unlabelled else y, 1, 2, a, b) for i, (a, b, y) in enumerate(pairs(count, seed))]
        write(folder / f"{split}.tsv", rows, ["index", *header[1:]] if unlabelled else header)
        if split != "dev":
            write(folder / f"msr_paraphrase_{split}.txt", [(y, 1, 2, a, b) for a, b, y in pairs(count, seed)], header)


def write_sst2(folder):
    for split, count, seed in SPLITS:
        rows = [(a, y) for a, _, y in pairs(count, seed)]
        for name in {"train": ("train", "train_full"), "dev": ("dev",), "test": ("test-labeled",)}[split]:
            write(folder / f"{name}.tsv", rows, ["sentence", "label"])
        if split == "test":
            write(folder / "test.tsv", [(i, text) for i, (text, _) in enumerate(rows)], ["index", "sentence"])


def write_rte(folder):
    for split, count, seed in SPLITS:
        rows = [(i, a, b, ("entailment", "not_entailment")[y]) for i, (a, b, y) in enumerate(pairs(count, seed))]
        write(folder / f"{split}.tsv", rows, ["index", "sentence1", "sentence2", "label"])


def write_stsb(folder):
    header = [*(f"x{i}" for i in range(7)), "sentence1", "sentence2", "score"]
    for split, count, seed in SPLITS:
        cut = 9 if split == "test" else 10
        rows = [(*"0123456", a, b, score) for a, b, score in scored(count, seed)]
        write(folder / f"{split}.tsv", [row[:cut] for row in rows], header[:cut])


def write_stsbenchmark(folder):
    for split, count, seed in SPLITS:
        rows = [("genre", "file", "2012", i, score, a, b) for i, (a, b, score) in enumerate(scored(count, seed))]
        write(folder / f"sts-{split}.csv", rows)


def write_questions(folder):
    classes = {"red": "DESC:manner", "green": "ENTY:color", "blue": "NUM:count"}
    for split, count, seed in SPLITS:
        write(folder / f"TREC.{split}", [(f"{classes[label]} {text}",) for text, _, label in sentences(count, seed)])


def write_shared(folder):
    """The folders of ../shared/data that docs/recipes.md names."""
    write_mrpc(folder / "glue_mrpc"), write_sst2(folder / "glue_sst2"), write_stsbenchmark(folder / "stsb")
    write_rte(folder / "glue_rte"), write_questions(folder / "trec"), write_texts(folder)
    for split, count, seed in SPLITS:
        rows = [(int(label == "blue"), text) for text, _, label in sentences(count, seed)]
        write(folder / "chnsenticorp" / f"{split}.tsv", rows, ["label", "text_a"])
    for name, label in (("neg", "red"), ("pos", "blue")):
        texts = [(text,) for text, _, shade in sentences(90, 5) if shade == label]
        write(folder / "mr" / f"rt-polarity.{name}", texts)
    for number, (text, _, shade) in enumerate(sentences(90, 7)):
        label, fold = "pos" if shade == "blue" else "neg", 8 + number % 2 if number % 3 == 0 else 0
        write(folder / "movie_reviews_docs" / label / f"cv{fold}{number:02d}_1.txt", [(f"{text} {text} {text}",)])
    turns = [text for text, _, _ in sentences(160, 6)]
    dialogues = [" __eou__ ".join(turns[i : i + 4]) for i in range(0, 160, 4)]
    write(folder / "dialog" / "dialogues_text_En.txt", [(one,) for one in dialogues])
    write(folder / "dialog" / "en_dev_human.txt", [(one, "x") for one in dialogues])


def write_texts(folder):
    """Novels, of which two are held out by name, and Chinese texts, more lines than are held out."""
    (folder / "novels_a").mkdir(parents=True), (folder / "zh_text").mkdir()
    for name, file in {
        "Conrad_Rover_1923": "home",
        "Woolf_Lighthouse_1927": "town",
        "Lee_Brown_1884": "outdoors",
    }.items():
        shutil.copy(ROOT / "samples" / "corpus" / f"{file}.txt", folder / "novels_a" / f"{name}.txt")
    for name in ("三国演义", "红楼梦", "CLUECorpusSmall_sampled"):
        text = "".join(f"且说{chr(0x4E00 + i % 50)}人大怒，便欲杀之。众人劝住。\n" for i in range(300))
        (folder / "zh_text" / f"{name}.txt").write_text(text, encoding="utf-8")


def write_work(folder):
    """What is in the folder where commands are typed: word vectors, texts, configurations."""
    words = "the a lid is parcel my where order broken . ? ,".split()
    vectors = "".join(f"{word} {' '.join([f'0.{i + 1}'] * 50)}\n" for i, word in enumerate(words))
    (folder / "glove.txt").write_text(vectors, encoding="utf-8")
    for name, files in {"train": ("home", "outdoors"), "held_out": ("town",)}.items():
        (folder / name).mkdir()
        for file in files:
            shutil.copy(ROOT / "samples" / "corpus" / f"{file}.txt", folder / name)
    shutil.copytree(ROOT / "configs", folder / "configs")
    small = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    path = folder / "configs" / "models" / "bert_6x384.json"
    path.write_text(json.dumps(small | {"intermediate_size": 64, "max_position_embeddings": 128}), encoding="utf-8")
    path = folder / "configs" / "models" / "minilm_2_layers.json"
    path.write_text(json.dumps(small | {"intermediate_size": 64}), encoding="utf-8")
    (folder / "chinese").mkdir()
    letters = [chr(0x4E00 + i) for i in range(20992)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"[unused{i}]" for i in range(131))]
    (folder / "chinese" / "vocab.txt").write_text("\n".join(special + letters) + "\n", encoding="utf-8")


def write_glue(folder):
    write_mrpc(folder / "MRPC"), write_sst2(folder / "SST-2"), write_stsb(folder / "STS-B")
