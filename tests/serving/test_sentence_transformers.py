"""Folders that sentence-transformers saves: the same vectors as there; what is not computed here is refused."""

import json
import pathlib
import string
import warnings

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.modeling.configuration import config_fields
from bertline.serving import Predictor, TextEncoder
from bertline.serving.sentence_transformers import sentence_transformers_fields as fields
from bertline.serving.sentence_transformers.sentence_transformers_folder import read_sentence_folder
from bertline.weights.formats.sentence_transformers import POOLING_KEYS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    library = pytest.importorskip("sentence_transformers", reason="make peers")
    from sentence_transformers import models
transformers = pytest.importorskip("transformers", reason="make peers")
torch = pytest.importorskip("torch", reason="make peers")

PIECES = [form for char in string.ascii_lowercase for form in (char, f"##{char}")]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES, ":", "?"]
TEXTS = ["a", "the red one?", "", "long " * 9, "b c d e f g h", "It IS"]
ALL_MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny BERT with random weights, as transformers saves one."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=24,
        max_position_embeddings=40,
        initializer_range=0.3,
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def save(base, tmp_path_factory):
    """make(modules after the encoder, settings of the encoder and of the whole) -> (folder, the library's model)."""

    def make(*more, encoder=None, **settings):
        folder = tmp_path_factory.mktemp("saved")
        model = library.SentenceTransformer(
            modules=[models.Transformer(str(base), **(encoder or {})), *more], device="cpu", **settings
        )
        model.save_pretrained(str(folder))
        (folder / "vocab.txt").write_bytes((base / "vocab.txt").read_bytes())
        return folder, model

    return make


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


PROMPTS = {"prompts": {"query": "ask : ", "other": "say"}, "default_prompt_name": "query"}
KINDS = {
    "its length": (lambda: [models.Pooling(16)], {"encoder": {"max_seq_length": 12}}),
    "a prompt": (lambda: [models.Pooling(16, "mean")], PROMPTS),
    "a prompt that is not pooled": (lambda: [models.Pooling(16, ALL_MODES, include_prompt=False)], PROMPTS),
    "the state after a prompt": (lambda: [models.Pooling(16, "cls", include_prompt=False)], PROMPTS),
    "fewer numbers": (lambda: [models.Pooling(16), models.Normalize(), models.Dropout()], {"truncate_dim": 6}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_the_library(save, kind):
    more, settings = KINDS[kind]
    folder, model = save(*more(), **settings)
    encoder = TextEncoder(folder)
    assert encoder.max_seq_length == model.max_seq_length
    assert_same(encoder.encode(TEXTS), model.encode(TEXTS))
    assert encoder.encode([]).shape == (0, model.encode(["a"]).shape[1])
    if kind == "a prompt that is not pooled":
        # The graph that serves kinds of vectors which have none of their own.
        encoder.most_graphs, encoder._graphs = 0, {}
        assert_same(encoder.encode(TEXTS), model.encode(TEXTS))
    if kind == "fewer numbers":
        assert_same(encoder.encode(TEXTS, normalize=True), model.encode(TEXTS, normalize_embeddings=True))
        assert np.abs(np.linalg.norm(encoder.encode(["a"]), axis=1) - 1) > 1e-3


def test_prompts_by_name_and_by_text(save):
    folder, model = save(models.Pooling(16), **PROMPTS)
    encoder = TextEncoder(folder)
    for asked in ({"prompt_name": "other"}, {"prompt_name": "document"}, {"prompt": "see ? "}, {"prompt": ""}):
        assert_same(encoder.encode(TEXTS, **asked), model.encode(TEXTS, **asked))
    assert_same(encoder.encode(["a"], prompt=""), encoder.encode(["a"], prompt_name="document"))
    assert "prompt='ask : '" in repr(encoder)
    # The prompt stands before the first text of a pair, and before no text whose tokens are wanted.
    assert_same(encoder.encode([("a", "b")]), encoder.encode([("ask : a", "b")], prompt=""))
    assert len(encoder.encode(["a"], unit="token")[0]) == 3
    for asked, message in (
        ({"prompt_name": "gone"}, "--prompt_name=gone: no prompt of .*; it has query, document, other"),
        ({"prompt_name": "query", "prompt": ""}, "give one of them"),
        ({"unit": "token", "prompt": "x"}, "are for vectors of sentences"),
        ({"pooling": "none", "prompt_name": "query"}, "are for vectors of sentences"),
        ({"prompt": "x " * 38}, "its 38 tokens leave no room for a text in --max_seq_length=40"),
        ({"prompt": "\ud800"}, "prompt: character 0 is '.ud800', half of a surrogate pair"),
    ):
        with pytest.raises(InputError, match=message):
            encoder.encode(["a"], **asked)


def test_prompts_of_a_folder_that_has_none(base):
    encoder = TextEncoder(base)
    assert_same(encoder.encode(["a"], prompt="x "), encoder.encode(["x a"]))
    with pytest.raises(InputError, match="--prompt_name=query: no prompt of .*; it has none; --prompt gives a text"):
        encoder.encode(["a"], prompt_name="query")


@pytest.mark.slow
@pytest.mark.parametrize("pools_prompt", [True, False])
def test_a_prompt_and_windows(save, pools_prompt):
    """In the first window alone; where it is not pooled, the rest is the mean of the other tokens' states."""
    folder, _ = save(models.Pooling(16, include_prompt=pools_prompt), encoder={"max_seq_length": 12}, **PROMPTS)
    encoder = TextEncoder(folder, window_stride=6)
    states = [rows[0 if pools_prompt else 5 :] for rows in encoder.encode([f"ask : {t}" for t in TEXTS], unit="token")]
    assert_same(encoder.encode(TEXTS), [rows.mean(axis=0) for rows in states])


def test_old_folders(base, tmp_path):
    """As versions before 6 wrote them: the encoder in a folder of its own, its length in sentence_bert_config.json."""
    model = library.SentenceTransformer(
        modules=[models.Transformer(str(base)), models.Pooling(16, "max")], device="cpu"
    )
    model.max_seq_length = 9
    entries = [("0_Transformer", "Transformer"), ("1_Pooling", "Pooling")]
    for number, (place, kind) in enumerate(entries):
        (tmp_path / place).mkdir()
        entries[number] = {
            "idx": number,
            "name": str(number),
            "path": place,
            "type": f"sentence_transformers.models.{kind}",
        }
    for name in ("config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"):
        (tmp_path / "0_Transformer" / name).write_bytes((base / name).read_bytes())
    said = {"max_seq_length": 9, "do_lower_case": False}
    (tmp_path / "0_Transformer" / "sentence_bert_config.json").write_text(json.dumps(said))
    pooling = {"word_embedding_dimension": 16, **dict.fromkeys(POOLING_KEYS, False), "pooling_mode_max_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (tmp_path / "modules.json").write_text(json.dumps(entries))
    encoder = TextEncoder(tmp_path)
    assert encoder.max_seq_length == 9
    assert_same(encoder.encode(TEXTS), model.encode(TEXTS))


# Each entry has one meaning.

TRANSFORMER = {**fields.TRANSFORMER_ONLY, **fields.TRANSFORMER_READ, **fields.TRANSFORMER_NO_EFFECT}
LIBRARY = {**fields.LIBRARY_ONLY, **fields.LIBRARY_READ, **fields.LIBRARY_NO_EFFECT}


def test_every_entry_of_the_library_has_a_meaning(save):
    """A new version of the library that writes a new entry fails here: decide what it means."""
    from sentence_transformers.sentence_transformer.modules import pooling

    assert set(models.Transformer.config_keys) <= TRANSFORMER.keys()
    known = {**fields.POOLING_READ, **fields.POOLING_NO_EFFECT, **POOLING_KEYS}
    assert set(models.Pooling.config_keys) | set(models.Pooling.config_key_renames) <= known.keys()
    assert set(pooling._LEGACY_POOLING_MODE_KWARGS) == set(POOLING_KEYS)
    assert set(models.Normalize.config_keys) == fields.NORMALIZE_ONLY.keys()
    _, model = save(models.Pooling(16), truncate_dim=3)
    assert model._get_model_config().keys() <= LIBRARY.keys()


def changed(base, folder, **files):
    """A copy of a folder of the library, with entries of its files changed; `files`: name of a file -> entries."""
    for path in base.rglob("*"):
        if path.suffix == ".json":
            target = folder / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            values = json.loads(path.read_text())
            more = files.get(path.stem if path.parent == base else path.parent.name[2:])
            target.write_text(json.dumps({**values, **more} if more else values))
    return folder


@pytest.fixture(scope="module")
def whole(save):
    return save(models.Pooling(16), models.Normalize())[0]


@pytest.mark.parametrize(
    "file, entry, unread",
    [
        (
            "sentence_bert_config",
            {"transformer_task": "fill-mask"},
            'transformer_task is "fill-mask": what a head gives',
        ),
        ("sentence_bert_config", {"module_output_name": "scores"}, "module_output_name is"),
        ("sentence_bert_config", {"modality_config": {"image": {}}}, "modality_config is"),
        ("sentence_bert_config", {"processing_kwargs": {"text": {"padding": "max_length"}}}, "processing_kwargs is"),
        ("sentence_bert_config", {"config_args": {"num_hidden_layers": 1}}, "config_args num_hidden_layers"),
        (
            "config_sentence_transformers",
            {"model_type": "SparseEncoder"},
            'model_type is "SparseEncoder": another kind',
        ),
        ("Normalize", {"module_input_name": "token_embeddings"}, "module_input_name is"),
    ],
)
def test_what_is_not_computed_here(whole, tmp_path, file, entry, unread):
    assert unread in read_sentence_folder(changed(whole, tmp_path, **{file: entry})).unread


@pytest.mark.parametrize(
    "file, entry, message",
    [
        ("sentence_bert_config", {"max_seq_length": "12"}, 'max_seq_length is "12", a number above 0 is needed'),
        ("sentence_bert_config", {"max_seq_length": True}, "max_seq_length is true"),
        ("sentence_bert_config", {"do_lower_case": "no"}, 'do_lower_case is "no", true or false'),
        ("sentence_bert_config", {"model_args": [1]}, r"model_args is \[1\], an object"),
        ("Pooling", {"pooling_mode": 5}, "pooling_mode is 5, a name or a list"),
        ("Pooling", {"include_prompt": "yes"}, 'include_prompt is "yes", true or false'),
        ("config_sentence_transformers", {"prompts": ["a"]}, r'prompts is \["a"\], an object'),
        ("config_sentence_transformers", {"prompts": {"a": 1}}, 'prompts is {"a": 1}, an object'),
        (
            "config_sentence_transformers",
            {"default_prompt_name": "gone"},
            'default_prompt_name is "gone", which is none',
        ),
        ("config_sentence_transformers", {"truncate_dim": -1}, "truncate_dim is -1, a number above 0"),
        ("tokenizer_config", {"model_max_length": "8"}, 'model_max_length is "8"; a number of tokens'),
    ],
)
def test_odd_entries(whole, tmp_path, file, entry, message):
    with pytest.raises(InputError, match=message):
        read_sentence_folder(changed(whole, tmp_path, **{file: entry}))


def test_entries_without_effect(whole, tmp_path, caplog):
    entries = {
        "sentence_bert_config": {
            **dict.fromkeys(("unpad_inputs", "query_length", "document_length", "query_expansion"), 3),
            "model_args": {"add_pooling_layer": False},
            "do_lower_case": None,
        },
        "config_sentence_transformers": {"similarity_fn_name": "dot", "__version__": {}, "prompts": {"query": None}},
        "Pooling": {"embedding_dimension": 5},
    }
    expected, found = read_sentence_folder(whole), read_sentence_folder(changed(whole, tmp_path, **entries))
    assert found.unread is None and caplog.text == ""
    assert (found.pooling, found.max_seq_length, found.prompts) == ("mean", 40, expected.prompts)


def test_an_entry_that_nobody_knows_is_said(whole, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(config_fields, "_said", set())
    read_sentence_folder(changed(whole, tmp_path, Pooling={"temperature": 2}))
    assert "temperature is not known here and not read" in caplog.text


@pytest.mark.parametrize(
    "said, length",
    [
        ({}, 40),
        ({"tokenizer_config": {"model_max_length": 7}}, 7),
        ({"sentence_bert_config": {"max_seq_length": 50}}, 50),
        ({"tokenizer_config": {"model_max_length": 10**30}}, 40),
        ({"tokenizer_config": {"model_max_length": 1e30}}, 40),
        ({"sentence_bert_config": {"max_seq_length": None}}, 40),
        ({"sentence_bert_config": {"tokenizer_args": {"model_max_length": 11}}}, 11),
    ],
)
def test_lengths(whole, tmp_path, said, length):
    assert read_sentence_folder(changed(whole, tmp_path, **said)).max_seq_length == length


def test_the_length_of_a_plain_folder_is_its_tokenizers(base, tmp_path):
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        (tmp_path / name).write_bytes((base / name).read_bytes())
    for written, length in (({"model_max_length": 8}, 8), ({"model_max_length": 1000}, 40), ({}, 40)):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, **written}))
        assert TextEncoder(tmp_path).max_seq_length == length


def test_texts_that_are_lower_cased_before_a_tokenizer_that_keeps_case(save):
    folder, _ = save(models.Pooling(16))
    for name, values in (
        ("tokenizer_config", {"do_lower_case": False}),
        ("sentence_bert_config", {"do_lower_case": True}),
    ):
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    with pytest.raises(InputError, match="lower-cased before a tokenizer that keeps case"):
        TextEncoder(folder, do_lower_case=False)


def test_a_cross_encoder(base, tmp_path, caplog):
    """Its score is that of transformers, and what the library makes of it is said; it has no vectors of its own."""
    model = library.CrossEncoder(str(base), num_labels=1, device="cpu")
    model.save_pretrained(str(tmp_path))
    predictor, pairs = Predictor(tmp_path), [("a b", "c"), ("d", "e f g")]
    expected = model.predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(predictor.probabilities(pairs)[:, 0], expected, atol=1e-5)
    assert "sentence-transformers applies Sigmoid to it" in caplog.text
    with pytest.raises(InputError, match='come from model_type is "CrossEncoder"'):
        predictor.embed(["a"])
    assert predictor.embed(["a"], pooling="mean").shape == (1, 16)


@pytest.mark.parametrize("case", ["sentence_transformers_6_length", "sentence_transformers_prompt"])
def test_the_cases_of_the_issue(case):
    folder = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cases" / case
    if not folder.is_dir():
        pytest.skip("../shared/cases is not here")
    expected = (folder / "expected.txt").read_text()
    expected = json.loads(expected[expected.rindex("[") :])
    text = (folder / "text.txt").read_text().strip()
    np.testing.assert_allclose(TextEncoder(folder / "model").encode([text])[0], expected, atol=5e-5)
