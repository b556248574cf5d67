"""A tiny BERT, a tiny vocabulary and tiny data, made on the fly, and fixtures that run the scripts."""

import pathlib
import string

import pytest
from colours import FILLERS, WORDS, sentences, write_table
from running import Script

CONFIG = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "initializer_range": 0.2,
}


def pytest_collection_modifyitems(items):
    """Marks all tests of this folder as `slow`: they start scripts."""
    for item in items:
        if pathlib.Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


# What makes a report, which takes some tenths of a second of each run: a test that reads it says --report.
WITH_REPORT = ("run_classifier.py", "run_tagger.py", "run_squad.py")


@pytest.fixture(scope="session")
def script(tmp_path_factory):
    """start(name, *flags) -> a running Script."""

    def start(name, *flags, **options):
        flags = ("--noreport", *flags) if name in WITH_REPORT else flags
        return Script(name, flags, tmp_path_factory.mktemp("run"), **options)

    return start


@pytest.fixture(scope="session")
def classify(script, tiny_bert):
    """classify(*flags, status=0) -> the finished Script of run_classifier.py from the tiny BERT."""

    def run(*flags, status=0, **options):
        given = {flag.split("=")[0] for flag in flags}
        defaults = {"--init_checkpoint": tiny_bert, "--max_seq_length": 16}
        more = [f"{name}={value}" for name, value in defaults.items() if name not in given]
        ran = script("run_classifier.py", *(flag for flag in (*flags, *more) if not flag.endswith("=None")), **options)
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


@pytest.fixture(scope="session")
def vocabulary():
    """Tokens of the tiny vocabulary: specials, letters and their continuations, the words of the data."""
    words = sorted({word for group in WORDS.values() for word in group} | set(FILLERS) | set(WORDS))
    letters = [form for char in string.ascii_lowercase for form in (char, f"##{char}")]
    words = [word for word in words if len(word) > 1]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *"0123456789.,!?", *words]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory, vocabulary):
    """A Hugging Face folder of a BERT of 2 layers, 32 wide, with random weights."""
    import keras

    from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
    from bertline.processors.tokenization import FullTokenizer
    from bertline.weights.load_save import save_huggingface

    folder = tmp_path_factory.mktemp("tiny_bert")
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    keras.utils.set_random_seed(3)
    encoder = Bert(BertConfig.from_dict({**CONFIG, "vocab_size": len(vocabulary)}))
    encoder.build()
    save_huggingface(encoder, folder, FullTokenizer(folder / "vocab.txt"))
    return folder


@pytest.fixture(scope="session")
def cola_dir(tmp_path_factory):
    """CoLA's files: train and dev without a header, label in column 2, text in column 4; test with a header."""
    folder = tmp_path_factory.mktemp("cola")
    for split, count, seed in (("train", 60, 1), ("dev", 23, 2)):
        rows = sentences(count, seed)
        write_table(folder / f"{split}.tsv", [("x", int(label == "blue"), "", text) for text, _, label in rows])
    rows = sentences(11, 3)
    write_table(folder / "test.tsv", [("index", "sentence"), *((i, text) for i, (text, _, _) in enumerate(rows))])
    return folder


@pytest.fixture(scope="session")
def colours_dir(tmp_path_factory):
    """Pairs and three classes with a header, for the generic processor; the test split has no label."""
    folder = tmp_path_factory.mktemp("colours")
    for split, count, seed in (("train", 60, 1), ("dev", 23, 2)):
        write_table(folder / f"{split}.tsv", [("text_a", "text_b", "label"), *sentences(count, seed, pair=True)])
    write_table(folder / "test.tsv", [("text_a", "text_b"), *(row[:2] for row in sentences(11, 3, pair=True))])
    return folder
