"""Every reader of files that others wrote, each with a whole file of its kind, and what holds of what it accepts."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable

import numpy as np
import small_classifiers
import small_pieces
import small_records
import tensorflow as tf
import tokenizers

from bertline import registry
from bertline.common import json_files
from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.processors.answering.answer_places import place_answers
from bertline.processors.answering.question_files import read_questions
from bertline.processors.corpora.making import instance_records, instance_shards
from bertline.processors.files import text_files
from bertline.processors.records import record_files
from bertline.processors.tokenization import load_tokenizer
from bertline.processors.tokenizers.bpe import BytePairTokenizer
from bertline.processors.tokenizers.rules.byte_words import CHARACTER_OF_BYTE
from bertline.processors.tokenizers.words import WordTokenizer
from bertline.serving.encoder import vector_transform
from bertline.serving.sentence_transformers.sentence_transformers_folder import read_sentence_folder
from bertline.serving.service import requests
from bertline.serving.texts.trained_length import trained_length
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.folder import checkpoint_files, checkpoints, run_folder
from bertline.weights import conversion, load_save
from bertline.weights.load_save import save_tf1
from bertline.weights.open_model import open_model


@dataclasses.dataclass(frozen=True)
class Reader:
    """A reader and the file that is damaged for it.

    Attributes:
      name: of the kind of file.
      path: of the whole file; others may lie beside it.
      read: () -> what was read, of the damaged file at the same path.
      holds: (raw bytes of the damaged file, what was read) -> whether an independent reader agrees; None: not known.
    """

    name: str
    path: pathlib.Path
    read: Callable
    holds: Callable | None = None


def all_readers(folder):
    """The readers, each with a whole file in a folder of its own below `folder`."""
    return [
        *_texts(folder),
        *_tokenizers(folder),
        *_models(folder),
        *_runs(folder),
        *_records(folder),
        *_vectors(folder),
    ]


def _own(folder, name):
    (folder / name).mkdir(parents=True)
    return folder / name


def _texts(folder):
    rows = [(label, i) for i in range(8) for label in ("yes", "no")]
    tables = {
        "tsv": "label\ttext\n" + "".join(f"{label}\tsome {label} text {i}\n" for label, i in rows),
        "csv": "label,text\n" + "".join(f'{label},"some, {label} ""text"" {i}"\n' for label, i in rows),
        "jsonl": "".join(json.dumps({"label": label, "text": f"{label} {i}"}) + "\n" for label, i in rows),
    }
    for kind, text in tables.items():
        path = _own(folder, kind) / f"train.{kind}"
        path.write_text(text, encoding="utf-8")

        def read(path=path, kind=kind):
            processor = registry.get("processor", kind)(train_file=str(path))
            examples = processor.get_train_examples(None)
            # What was read can be written and hashed: no half characters.
            return [(e.text_a, e.label) for e in examples if f"{e.text_a}{e.label}".encode() is not None]

        yield Reader(kind, path, read)
    yield _questions(_own(folder, "questions") / "dev.json")
    yield _tags(_own(folder, "tags") / "train.txt", "-DOCSTART- O\n\n" + "Ida\tB-PER\nin\tO\nMalmö\tI-LOC\n\n" * 4)
    spans = [{"start": 0, "end": 3, "label": "PER"}, {"start": 7, "end": 12, "label": "LOC"}]
    line = json.dumps({"text": "Ida in Malmö, O'Hara.", "spans": spans}, ensure_ascii=False)
    yield _tags(_own(folder, "spans") / "train.jsonl", f"{line}\n" * 3)
    corpus = _own(folder, "text") / "corpus.txt"
    corpus.write_text("One sentence.\nAnother one, with “quotes”.\n\nA document.\n" * 5, encoding="utf-8")
    yield Reader("text", corpus, lambda: text_files.read_lines(str(corpus)), _same_text)
    odd = _own(folder, "json") / "file.json"
    odd.write_text(json.dumps({"a": [1, 2.5, None, "text"], "b": {"c": True}}))
    yield Reader("json", odd, lambda: json_files.read(odd), _same_json)


def _questions(path):
    qas = [
        {"id": f"q{i}", "question": "Wo?", "answers": [{"text": "Köln", "answer_start": 3}] * (i % 2)} for i in range(4)
    ]
    content = {"data": [{"paragraphs": [{"context": "In Köln, in  Köln.", "qas": qas}]}]}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    def read():
        return place_answers(read_questions(str(path), has_unanswerable=True), str(path))

    def holds(raw, questions):
        return all(
            one.start < 0 or question.context[one.start :].startswith(one.text)
            for question in questions
            for one in question.label or ()
        )

    return Reader("questions", path, read, holds)


def _tags(path, content):
    path.write_text(content, encoding="utf-8")

    def read():
        examples = registry.get("processor", "conll")(train_file=str(path)).get_train_examples(None)
        # What was read can be written and hashed: no half characters.
        return [one for one in examples if repr(one.content()).encode() is not None]

    def holds(raw, examples):
        whole = all(len(one.words) == len(one.label) for one in examples)
        return whole and all(
            one.text is None or "".join(one.text.split()) == "".join("".join(one.words).split()) for one in examples
        )

    return Reader(path.parent.name, path, read, holds)


def _same_json(raw, value):
    # By its text, since NaN is not equal to itself.
    return json.dumps(json.loads(raw.decode("utf-8-sig"))) == json.dumps(value)


def _same_text(raw, lines):
    text = raw.decode("utf-8-sig")  # accepted, so it is UTF-8
    return "".join("".join(lines).split()) == "".join(text.split())


def _tokenizers(folder):
    base = _own(folder, "classifier")
    small_classifiers.classifier_folder(base)
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        own = folder / f"tokenizer-{name}"
        shutil.copytree(base, own)
        yield Reader(name, own / name, lambda own=own: load_tokenizer(str(own)).tokenize("a bad cab, fed σ!"))
    words = WordTokenizer(["<unk>", "a", "bad", "cab"])
    pairs = BytePairTokenizer({**dict(zip(CHARACTER_OF_BYTE, range(256))), "ab": 256}, [("a", "b")], "bytes")
    for made, names in ((words, ("vocab.txt", "tokenizer_config.json")), (pairs, ("vocab.json", "merges.txt"))):
        for name in names:
            own = _own(folder, f"{made.kind}-{name}")
            made.save(own)
            yield Reader(
                f"{made.kind} {name}", own / name, lambda own=own: load_tokenizer(str(own)).tokenize("a bad cab")
            )
    own = _own(folder, "bpe-tokenizer.json")
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE(pairs.vocab, pairs.merges))
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.save(str(own / "tokenizer.json"))
    (own / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    yield Reader("bpe tokenizer.json", own / "tokenizer.json", lambda: load_tokenizer(str(own)).tokenize("a bad cab"))
    pieces = _own(folder, "pieces") / "spiece.model"
    small_pieces.train(pieces)
    yield Reader("SentencePiece", pieces, lambda: load_tokenizer(str(pieces)).tokenize("a small text"))


def _models(folder):
    base = folder / "classifier"
    encoder = conversion.build(Bert, BertConfig.from_json_file(str(base / "config.json")))
    names = encoder.named_weights()

    def loaded(path):
        load_save.load_weights(encoder, str(path), allow_missing=".*")
        return {name: np.array(variable.numpy()) for name, variable in names.items()}

    own = folder / "safetensors"
    shutil.copytree(base, own)
    path = own / "model.safetensors"
    yield Reader("safetensors", path, lambda own=own: loaded(own), lambda raw, _: _library_reads(raw))
    for name, kind in (("config.json", "config"), ("bert_config.json", "bert config")):
        own = _own(folder, name)
        config = json.loads((base / "config.json").read_text())
        if kind == "bert config":
            config = {key: value for key, value in config.items() if key in BertConfig.__dataclass_fields__}
            config["hidden_act"] = "gelu"
        (own / name).write_text(json.dumps(config))
        yield Reader(kind, own / name, lambda own=own, name=name: BertConfig.from_json_file(str(own / name)))
    own = folder / "labels of a model"
    shutil.copytree(base, own)
    yield Reader("labels of a model", own / "config.json", lambda own=own: _classifier(own))
    own = _own(folder, "shards")
    for name in ("config.json", "vocab.txt"):
        shutil.copy(base / name, own)
    shutil.copy(base / "model.safetensors", own / "model-00001-of-00001.safetensors")
    from safetensors import safe_open

    with safe_open(base / "model.safetensors", "np") as file:
        index = {"metadata": {}, "weight_map": {key: "model-00001-of-00001.safetensors" for key in file.keys()}}
    (own / "model.safetensors.index.json").write_text(json.dumps(index))
    yield Reader("index of shards", own / "model.safetensors.index.json", lambda own=own: loaded(own))
    own = _own(folder, "tf1")
    save_tf1(encoder, str(own / "bert_model.ckpt"), load_tokenizer(str(base)), {})
    whole = {name: np.array(variable.numpy()) for name, variable in names.items()}
    for ending in (".index", ".data-00000-of-00001"):
        copy = folder / f"tf1{ending}"
        shutil.copytree(own, copy)
        found = next(path for path in copy.iterdir() if path.name.endswith(ending))
        # TensorFlow's checkpoints have checksums: what is accepted is what was written.
        yield Reader(
            f"TF1 checkpoint {ending}",
            found,
            lambda copy=copy: loaded(copy / "bert_model.ckpt"),
            lambda raw, values: all(np.array_equal(values[n], whole[n]) for n in whole),
        )
    own = folder / "sentence folder"
    shutil.copytree(base, own / "0_Transformer")
    (own / "1_Pooling").mkdir()
    (own / "modules.json").write_text(
        json.dumps(
            [
                {"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ]
        )
    )
    (own / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False})
    )
    (own / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "q: "}, "default_prompt_name": None})
    )
    for name in ("modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"):
        yield Reader(f"sentence-transformers {name}", own / name, lambda own=own: read_sentence_folder(str(own)))


def _classifier(own):
    opened = open_model(str(own), vocab_required=False)
    encoder = conversion.build(opened.encoder_class, opened.config)
    load_save.load_weights(encoder, opened.weights, allow_missing=".*pooler.*")
    return opened.read_head(encoder)


def _library_reads(raw):
    """Whether the safetensors library accepts the bytes too."""
    import safetensors
    from safetensors.numpy import load

    try:
        load(raw)
    except safetensors.SafetensorError:
        return False
    except (KeyError, TypeError):  # it knows no numpy type for what is there
        pass
    return True


def _runs(folder):
    own = _own(folder, "run")
    run_folder.write_run_config(str(own), ClassifierSettings(task_name="tsv"), training_data="x", encoder_config={})
    yield Reader("run_config.json", own / "run_config.json", lambda own=own: run_folder.read_run_config(str(own)))
    yield Reader("length of a run", own / "run_config.json", lambda own=own: trained_length(str(own)))
    labels = _own(folder, "labels")
    (labels / "label_map.json").write_text(json.dumps({"no": 0, "yes": 1, "perhaps": 2}))
    yield Reader("label_map.json", labels / "label_map.json", lambda: run_folder.saved_labels(str(labels)))
    own = _own(folder, "state")
    step = tf.Variable(3, dtype=tf.int64)
    saver = checkpoints.RunCheckpoints(str(own), step, {"w": tf.Variable([1.0, 2.0])}, {}, {})
    saver.save()
    yield Reader(
        "checkpoint",
        own / "checkpoint",
        lambda: checkpoint_files.newest(str(own))[0],
        lambda raw, found: found.endswith("model.ckpt-3"),
    )


def _records(folder):
    own = _own(folder, "records")
    encoder, examples = small_records.encoder(own), small_records.examples(12)
    config = BertConfig(vocab_size=len(small_records.TOKENS), type_vocab_size=2)
    written = record_files.write_records(examples, encoder, str(own), "train", 1)
    path = pathlib.Path(written.files[0])

    def existing():
        return record_files.existing_records(str(path), written.spec, config, True, 2).num_examples

    yield Reader("records", path, existing, lambda raw, count: count == 12)
    for manifest in own.glob("*.json"):
        # Records that do not fit their manifest are made anew.
        yield Reader(
            "manifest of records",
            manifest,
            lambda own=own: record_files.write_records(examples, encoder, str(own), "train", 1).num_examples,
            lambda raw, count: count == 12,
        )
    own = _own(folder, "instances")
    (own / "vocab.txt").write_text("\n".join(small_records.TOKENS) + "\n")
    (own / "text.txt").write_text("a b c d\ne f g\n\nh i j a b\nc d e\n" * 4)
    run = PretrainingDataSettings(
        input_file=f"{own}/text.txt",
        output_file=f"{own}/x.tfrecord",
        vocab_file=f"{own}/vocab.txt",
        max_seq_length=16,
        max_predictions_per_seq=3,
        dupe_factor=2,
        num_processes=1,
    )
    instance_shards.create(run, [run.input_file], load_tokenizer(run.vocab_file))

    def instances():
        data = instance_records.find_records(f"{own}/x.tfrecord", "next_sentence", 16, {"max_predictions_per_seq": 3})
        data.open(config, None)
        return data.record_set.num_examples

    whole = instances()
    yield Reader("instances", own / "x.tfrecord", instances, lambda raw, count: count == whole)
    for manifest in own.glob("*.json"):
        yield Reader("manifest of instances", manifest, instances)


def _vectors(folder):
    own = _own(folder, "transform")
    transform = own / "transform.npz"
    vector_transform.fit("whitening", np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)).save(
        str(transform)
    )
    yield Reader("transform", transform, lambda: vector_transform.load(str(transform)))
    own = _own(folder, "bodies")
    for kind, body in (
        (requests.PredictRequest, {"texts": ["a text", ["a", "pair"]]}),
        (requests.EmbedRequest, {"texts": ["a text"], "pooling": "mean", "layers": [-1, 0], "normalize": True}),
        (requests.AttentionRequest, {"text": "a text", "layer": 1, "head": 0}),
    ):
        path = own / f"{kind.__name__}.json"
        path.write_text(json.dumps(body))
        yield Reader(kind.__name__, path, lambda kind=kind, path=path: requests.parse(kind, path.read_bytes()))
