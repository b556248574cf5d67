"""TextEncoder against the encoder itself, transformers and sentence-transformers; order, threads, windows, words."""

import concurrent.futures
import itertools
import json

import numpy as np
import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.serving import TextEncoder
from bertline.serving.encoder import text_encoder
from bertline.serving.encoder.preparation import words_of

ODD = [
    "",
    " ",
    "a",
    "Füße & naïve café",
    "北京 is nice",
    "emoji 🙂🙃 here",
    "zero\u200bwidth",
    "a\u0301e\u0300 combining",
    "tab\tand\nline",
    "ＦＵＬＬ width",
    "\x00control\x07",
    "[CLS] [MASK] literally",
    "x" * 300,
    "word " * 900,
    "مرحبا بالعالم",
    "!!! ??? ...",
    "\u2028separators\u2029",
]


def random_texts(count, seed=0):
    draw = np.random.default_rng(seed)
    letters = list("abcdefghijklmnop")
    return [" ".join(draw.choice(letters, draw.integers(0, 30))) for _ in range(count)]


def one_by_one(encoder, texts, **wanted):
    return [encoder.encode([text], **wanted)[0] for text in texts]


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names("encoder"))
def test_every_encoder(name, tiny_folder):
    encoder = TextEncoder(tiny_folder(name), max_seq_length=20)
    texts = random_texts(30)
    vectors = encoder.encode(texts, pooling="mean")
    tokens = encoder.encode(texts, unit="token")
    assert vectors.shape == (30, encoder.config.width) and vectors.dtype == np.float32
    for vector, rows, text in zip(vectors, tokens, texts):
        assert len(rows) == min(20, len(text.split()) + encoder.layout.frame.num_special(1))
        np.testing.assert_allclose(rows.mean(axis=0) if len(rows) else np.zeros(len(vector)), vector, atol=1e-5)


@pytest.mark.slow
def test_results_come_in_the_order_of_the_texts(tiny, monkeypatch):
    monkeypatch.setattr(text_encoder, "POOL_TEXTS", 150)
    texts = random_texts(1000)
    np.testing.assert_allclose(tiny.encode(texts), one_by_one(tiny, texts), atol=2e-6)


def test_number_and_shape_of_results(tiny):
    assert tiny.encode([]).shape == (0, 16) and tiny.encode([], unit="token") == []
    assert tiny.encode(["a"]).shape == (1, 16)
    assert tiny.encode(["a", "b c"], layers=(-1, 0)).shape == (2, 2, 16)
    assert tiny.encode(["a", "b c"], layers=(-1, 0), layer_mix="concat", pooling="mean+max").shape == (2, 64)
    assert [rows.shape for rows in tiny.encode(["a", "b c"], unit="token", layers=(-1, -2))] == [(3, 2, 16), (4, 2, 16)]
    assert [rows.shape for rows in tiny.encode(["a", "ab c"], pooling="none")] == [(3, 16), (5, 16)]


def test_an_endless_stream_is_read_as_far_as_needed(tiny, monkeypatch):
    monkeypatch.setattr(text_encoder, "POOL_TEXTS", 10)
    taken = itertools.count()
    stream = tiny.stream((f"a b {'c ' * (next(taken) % 7)}" for _ in itertools.count()), tiny.options())
    pools = [next(stream) for _ in range(5)]
    assert [len(pool.cut) for pool in pools] == [10] * 5
    assert next(taken) < 200


@pytest.mark.slow
def test_threads_share_one_encoder(tiny_folder):
    encoder = TextEncoder(tiny_folder())
    parts = [random_texts(50, seed) for seed in range(8)]
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        found = list(threads.map(encoder.encode, parts))
    for vectors, texts in zip(found, parts):
        np.testing.assert_array_equal(vectors, encoder.encode(texts))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", pytest.param("float16", marks=pytest.mark.long)])
def test_half_precision(tiny_folder, dtype):
    folder, texts = tiny_folder(), random_texts(50)
    expected = TextEncoder(folder).encode(texts)
    found = TextEncoder(folder, dtype=dtype).encode(texts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.06 * np.abs(expected).max())


def test_cls_of_the_last_layer_is_that_of_all_tokens(tiny):
    texts = random_texts(20)
    tokens = tiny.encode(texts, unit="token")
    np.testing.assert_allclose(tiny.encode(texts, pooling="cls"), [rows[0] for rows in tokens], atol=2e-6)
    both = tiny.encode(texts, pooling="cls+last")
    np.testing.assert_allclose(both, [np.concatenate([rows[0], rows[-1]]) for rows in tokens], atol=2e-6)


def test_first_last(tiny):
    texts = random_texts(20)
    expected = tiny.encode(texts, layers=(0, -1)).mean(axis=1)
    np.testing.assert_allclose(tiny.encode(texts, pooling="first_last"), expected, atol=2e-6)


# Words.


def test_words_are_means_of_their_pieces(tiny):
    texts = ["abc de f", "", "zyxw", ("ab c", "d efg"), "a ? b"]
    tokens, words = (tiny.encode(texts, unit=unit) for unit in ("token", "word"))
    pieces = [[(1, 4), (4, 6), (6, 7)], [], [(1, 5)], [(1, 3), (3, 4), (5, 6), (6, 9)], [(1, 2), (2, 3), (3, 4)]]
    for states, found, bounds in zip(tokens, words, pieces):
        assert len(found) == len(bounds)
        for vector, (start, end) in zip(found, bounds):
            np.testing.assert_allclose(vector, states[start:end].mean(axis=0), atol=2e-6)
    first = tiny.encode(texts, unit="word", pooling="cls")[0]
    np.testing.assert_allclose(first, tokens[0][[1, 4, 6]], atol=2e-6)


def test_words_without_a_token_and_words_cut_off_are_zeros(tiny_folder):
    encoder = TextEncoder(tiny_folder(), max_seq_length=5)
    [vectors] = encoder.encode(["a \x00 b c d e"], unit="word", normalize=True)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1, 0, 0], atol=1e-6)


def test_a_word_alone_has_the_tokens_that_it_has_in_its_text(minilm):
    encoder = TextEncoder(minilm)
    for text in ODD:
        together, _ = encoder.tokenizer.encode_batch([text])
        alone, _ = encoder.tokenizer.encode_batch(words_of(text))
        assert together.tolist() == alone.tolist()


# Windows.


@pytest.mark.slow
def test_windows(tiny_folder):
    """Each token from the window in which it has most context, restated token by token."""
    folder, size, stride = tiny_folder(), 8, 5
    windowed, cut = TextEncoder(folder, max_seq_length=size + 2, window_stride=stride), TextEncoder(folder)
    letters = [chr(97 + i % 26) for i in range(31)]
    texts = ["a b", " ".join(letters), "c d e f g h i j", " ".join(letters[:9]), ""]
    found = windowed.encode(texts, unit="token")
    for text, states in zip(texts, found):
        tokens = text.split()
        starts = [0]
        while starts[-1] + size < len(tokens):
            starts.append(starts[-1] + stride)
        windows = [cut.encode([" ".join(tokens[start : start + size])], unit="token")[0] for start in starts]
        assert len(states) == len(tokens) + 2
        np.testing.assert_allclose(states[0], windows[0][0], atol=2e-6)
        np.testing.assert_allclose(states[-1], windows[-1][-1], atol=2e-6)
        for i in range(len(tokens)):
            contexts = {
                k: min(i - start, start + len(windows[k]) - 3 - i)
                for k, start in enumerate(starts)
                if start <= i < start + len(windows[k]) - 2
            }
            best = [k for k, context in contexts.items() if context == max(contexts.values())]
            states_of_best = [windows[k][i - starts[k] + 1] for k in best]
            assert min(np.abs(states[i + 1] - s).max() for s in states_of_best) < 2e-6, i
    sentences = windowed.encode(texts, pooling="mean+max", normalize=True)
    expected = np.array([np.concatenate([rows.mean(axis=0), rows.max(axis=0)]) for rows in found])
    np.testing.assert_allclose(sentences, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=2e-6)
    words = windowed.encode(texts, unit="word")
    for rows, vectors in zip(found, words):
        np.testing.assert_allclose(vectors, rows[1:-1], atol=2e-6)


def test_windows_leave_pairs_cut(tiny_folder):
    folder = tiny_folder()
    windowed, cut = TextEncoder(folder, max_seq_length=9, window_stride=3), TextEncoder(folder, max_seq_length=9)
    texts = [("a b c d e", "f g h i"), "a b c d e f g h i j k", ("a", "b"), "a"]
    [vectors] = windowed.stream(texts, windowed.options(unit="token"))
    assert vectors.cut.tolist() == [True, False, False, False]
    assert np.diff(vectors.offsets).tolist() == [9, 13, 5, 3]
    found = windowed.encode(texts, unit="token")
    for i in (0, 2, 3):
        np.testing.assert_allclose(found[i], cut.encode([texts[i]], unit="token")[0], atol=2e-6)


# Against other libraries.


@pytest.mark.slow
def test_layers_equal_transformers(minilm):
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    tokenizer, model = (kind.from_pretrained(minilm) for kind in (transformers.AutoTokenizer, transformers.AutoModel))
    texts = [*ODD, ("where is it?", "on the table"), ("a", "long " * 400)]
    layers = (-1, 0, 2, -3, -7)  # -7: the embeddings
    encoder = TextEncoder(minilm, max_seq_length=128)
    for text, states in zip(texts, encoder.encode(texts, unit="token", layers=layers)):
        pair = (text,) if isinstance(text, str) else text
        inputs = tokenizer(*pair, return_tensors="pt", truncation=True, max_length=128)
        with torch.no_grad():
            hidden = model(**inputs, output_hidden_states=True).hidden_states
        expected = np.stack([hidden[layer + 1 if layer >= 0 else layer][0].numpy() for layer in layers], axis=1)
        assert states.shape == expected.shape, text
        np.testing.assert_allclose(states, expected, atol=1e-5, err_msg=repr(text)[:80])


@pytest.mark.slow
def test_sentence_vectors_equal_sentence_transformers(minilm):
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="make peers")
    peer = sentence_transformers.SentenceTransformer(minilm, device="cpu")
    encoder = TextEncoder(minilm)
    assert encoder.max_seq_length == peer.max_seq_length == 256
    texts = [*ODD, "The cat sat on the mat."]
    np.testing.assert_allclose(encoder.encode(texts), peer.encode(texts), atol=1e-5)
    pairs = [("where is it?", "on the table"), ("long " * 300, "short")]
    np.testing.assert_allclose(encoder.encode(pairs), peer.encode([list(pair) for pair in pairs]), atol=1e-5)


def test_a_folder_of_transformers_without_a_vocabulary_file(tmp_path):
    """What version 5 saves: tokenizer.json alone; with tokens added to the vocabulary, which have rows of their own."""
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = transformers.BertTokenizer({token: i for i, token in enumerate([*special, *"abc<>e1/"])})
    tokenizer.add_tokens(["<e1>", "</e1>"])
    torch.manual_seed(0)
    size = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12)
    model = transformers.BertModel(transformers.BertConfig(vocab_size=len(tokenizer), **size)).eval()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert not (tmp_path / "vocab.txt").exists()
    texts = ["a <e1> b</e1> c", "[MASK] a", "c b a"]
    for text, states in zip(texts, TextEncoder(tmp_path).encode(texts, unit="token", layers=(-1,))):
        with torch.no_grad():
            expected = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()
        np.testing.assert_allclose(states, expected, atol=1e-5, err_msg=text)


# What a folder of sentence-transformers says.


def sentence_folder(folder, pooling, *kinds):
    places = [(f"sentence_transformers.models.{kind}", f"{i}_{kind}" if i else "") for i, kind in enumerate(kinds)]
    modules = [{"idx": i, "path": place, "type": kind} for i, (kind, place) in enumerate(places)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 7}')
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "config, pooling",
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, "max+mean"),
        ({"pooling_mode": "weightedmean", "include_prompt": True}, "weighted_mean"),
        ({"pooling_mode": ["lasttoken", "mean_sqrt_len_tokens"]}, "last+mean_sqrt_len"),
        ({"embedding_dimension": 16}, "mean"),
    ],
)
def test_own_pooling(tiny_folder, config, pooling):
    folder = sentence_folder(tiny_folder(), config, "Transformer", "Pooling")
    encoder, texts = TextEncoder(folder), random_texts(10)
    assert encoder.max_seq_length == 7 and encoder.options().pooling == pooling and not encoder.options().normalize
    np.testing.assert_array_equal(encoder.encode(texts), encoder.encode(texts, pooling=pooling))
    assert encoder.options(unit="token").pooling == "mean"


def test_own_normalisation_and_a_module_that_is_not_known(tiny_folder):
    folder = sentence_folder(tiny_folder(), {"pooling_mode": "mean"}, "Transformer", "Pooling", "Normalize")
    assert TextEncoder(folder).options().normalize
    assert not TextEncoder(folder).options(normalize=False).normalize
    assert not TextEncoder(folder).options(unit="token").normalize
    encoder = TextEncoder(sentence_folder(folder, {"pooling_mode": "mean"}, "Transformer", "Pooling", "Dense"))
    with pytest.raises(InputError, match="module Dense, which is not read; give --pooling"):
        encoder.encode(["a"])
    assert encoder.encode(["a"], pooling="mean").shape == (1, 16)


def test_damaged_sentence_folders(tiny_folder):
    folder = sentence_folder(tiny_folder(), {}, "Transformer", "Pooling")
    (folder / "1_Pooling" / "config.json").unlink()
    with pytest.raises(InputError, match="1_Pooling/config.json: missing"):
        TextEncoder(folder)
    (folder / "modules.json").write_text("[1")
    with pytest.raises(InputError, match="modules.json:1: not JSON"):
        TextEncoder(folder)


@pytest.mark.parametrize(
    "wanted, message",
    [
        ({"unit": "sentense"}, "did you mean sentence"),
        ({"pooling": "meen"}, "did you mean mean"),
        ({"pooling": "mean+first_last"}, "cannot be joined"),
        ({"layers": (-5,)}, "there is no layer -5; the model has 3"),
        ({"layers": (3,)}, "there is no layer 3"),
        ({"layers": ()}, "at least one layer"),
        ({"layer_mix": "sum"}, "none of none, mean, concat, and no such file"),
    ],
)
def test_what_is_not_there(tiny, wanted, message):
    with pytest.raises(InputError, match=message):
        tiny.encode(["a"], **wanted)


def test_learned_weights(tiny, tmp_path):
    path = tmp_path / "mix.json"
    path.write_text('{"scalars": [0.5, -1.0], "gamma": 2.0}')
    shares = np.exp([0.5, -1.0]) / np.exp([0.5, -1.0]).sum()
    each = tiny.encode(["a b", "c"], layers=(-1, 0))
    found = tiny.encode(["a b", "c"], layers=(-1, 0), layer_mix=str(path))
    np.testing.assert_allclose(found, 2.0 * np.einsum("nlw,l->nw", each, shares), rtol=1e-5, atol=1e-5)
    with pytest.raises(InputError, match="2 scalars for 1 layers"):
        tiny.encode(["a"], layer_mix=str(path))
    path.write_text('{"scalar": 1}')
    with pytest.raises(InputError, match="learned weights are a JSON object"):
        tiny.encode(["a"], layer_mix=str(path))


@pytest.mark.parametrize("stride", [0, 9])
def test_a_stride_that_leaves_tokens_out(tiny_folder, stride):
    with pytest.raises(InputError, match=f"--window_stride={stride}: a number from 1 to 8 is needed"):
        TextEncoder(tiny_folder(), max_seq_length=10, window_stride=stride)


@pytest.mark.slow
def test_kinds_that_share_a_graph(tiny_folder):
    folder = tiny_folder()
    shared, own = TextEncoder(folder), TextEncoder(folder)
    shared.most_graphs = 0
    texts = random_texts(30)
    for wanted in (
        {},
        {"pooling": "cls"},
        {"pooling": "max", "layers": (0, -1), "layer_mix": "mean"},
        {"pooling": "first_last"},
        {"pooling": "weighted_mean+last", "layers": (-1, -3), "normalize": True},
        {"pooling": "mean_sqrt_len"},
        {"pooling": "max+mean", "layers": (1, 0), "layer_mix": "concat", "normalize": True},
    ):
        np.testing.assert_allclose(
            shared.encode(texts, **wanted), own.encode(texts, **wanted), atol=1e-5, err_msg=str(wanted)
        )
    assert shared._graphs == {}
    assert shared.encode(texts[:2], unit="word")[0].ndim == 2 and len(shared._graphs) == 1


def test_layers_of_different_width(tiny_folder):
    """AWD-LSTM's are: 12 numbers between the embeddings' and the last one's 16."""
    folder = tiny_folder("awd_lstm")
    shared, own, texts = TextEncoder(folder), TextEncoder(folder), random_texts(5)
    shared.most_graphs = 0
    wanted = {"layers": (0, -1), "layer_mix": "concat", "pooling": "max+last"}
    found = shared.encode(texts, **wanted)
    np.testing.assert_allclose(found, own.encode(texts, **wanted), atol=1e-5)
    assert found.shape == (5, 2 * (12 + 16))
    for encoder in (shared, own):
        with pytest.raises(InputError, match="numbers wide; --layer_mix=concat"):
            encoder.encode(texts, layers=(0, -1))
