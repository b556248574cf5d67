"""run_pretraining.py as its users run it: files in, files out, killed, continued, filled masks, bad input."""

import json
import math
import os
import re
import signal

import numpy as np
import pytest
import tensorflow as tf
from colours import FILLERS, WORDS
from safetensors.numpy import load_file

from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.processors.tokenization import FullTokenizer

STEPS = ("--num_train_steps=24", "--num_warmup_steps=2", "--train_batch_size=8", "--learning_rate=5e-3")
SIZES = ("--max_seq_length=24", "--max_predictions_per_seq=4")


def text_of(documents, seed):
    """Sentences of colours' words, one a line, blank lines between documents."""
    draw = np.random.default_rng(seed)
    lines = []
    for i in range(documents):
        words = [*FILLERS, *list(WORDS.values())[i % len(WORDS)]]
        lines += [" ".join(draw.choice(words, draw.integers(3, 9))) + " ." for _ in range(6)] + [""]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory, script, tiny_bert):
    """Folder of the tiny model's configuration, and of records: train (2 shards), unmasked (2 shards), dev."""
    folder = tmp_path_factory.mktemp("instances")
    vocabulary = tiny_bert / "vocab.txt"
    config = BertConfig.from_json_file(str(tiny_bert / "config.json")).to_dict()
    (folder / "bert_config.json").write_text(json.dumps(config))
    for name, seed, flags in (
        ("train", 0, ("--dupe_factor=3", "--num_output_shards=2")),
        ("unmasked", 0, ("--dupe_factor=3", "--num_output_shards=2", "--dynamic_masking")),
        ("dev", 1, ("--dupe_factor=1",)),
    ):
        (folder / f"{name}.txt").write_text(text_of(8, seed))
        ran = script(
            "create_pretraining_data.py",
            f"--input_file={folder}/{name}.txt",
            f"--vocab_file={vocabulary}",
            f"--output_file={folder}/{name}.tfrecord",
            "--num_processes=1",
            *SIZES,
            *flags,
        )
        assert ran.wait() == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def pretrain(script, tiny_bert, data):
    """pretrain(*flags, status=0) -> the finished Script, which starts from the tiny configuration."""

    def run(*flags, status=0, **options):
        given = {flag.split("=")[0] for flag in flags}
        defaults = {"--bert_config_file": data / "bert_config.json", "--vocab_file": tiny_bert / "vocab.txt"}
        more = [f"{name}={value}" for name, value in defaults.items() if name not in given]
        ran = script(
            "run_pretraining.py", *(flag for flag in (*SIZES, *flags, *more) if "=None" not in flag), **options
        )
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


@pytest.fixture(scope="module")
def trained(pretrain, data, tmp_path_factory):
    """(output folder, Script) of a run with evaluations."""
    out = tmp_path_factory.mktemp("pretrained") / "out"
    return out, pretrain(
        "--do_train",
        "--do_eval",
        *STEPS,
        f"--input_file={data}/train.tfrecord-*",
        f"--eval_file={data}/dev.tfrecord",
        f"--output_dir={out}",
        "--eval_steps=12",
    )


def results(folder):
    lines = (folder / "eval_results.txt").read_text().splitlines()
    return {key: float(value) for key, value in (line.split(" = ") for line in lines)}


def weights(folder):
    found = load_file(folder / "model" / "model.safetensors")
    return {name: array.tobytes() for name, array in found.items()}


def test_results_have_the_originals_keys_and_the_model_has_learned(trained):
    out, ran = trained
    found = results(out)
    assert set(found) == {
        "global_step",
        "loss",
        "masked_lm_accuracy",
        "masked_lm_loss",
        "next_sentence_accuracy",
        "next_sentence_loss",
        "perplexity",
    }
    assert found["global_step"] == 24
    assert math.isclose(found["loss"], found["masked_lm_loss"] + found["next_sentence_loss"], rel_tol=1e-6)
    assert math.isclose(found["perplexity"], math.exp(found["masked_lm_loss"]), rel_tol=1e-6)
    vocab_size = len((out / "model" / "vocab.txt").read_text().splitlines())
    assert found["masked_lm_loss"] < 0.8 * math.log(vocab_size), "not better than guessing evenly"
    assert "step 12: " in ran.stderr and "perplexity" in ran.stderr


def test_tensorboard_has_both_losses_and_accuracies_and_the_pace(trained):
    events = next(trained[0].glob("events.out.tfevents.*"))
    tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(events)) for value in event.summary.value}
    both = ("masked_lm_loss", "masked_lm_accuracy", "next_sentence_loss", "next_sentence_accuracy")
    assert tags >= {f"train/{name}" for name in (*both, "loss", "learning_rate", "grad_norm", "tokens_per_second")}
    assert tags >= {f"eval/{name}" for name in (*both, "loss", "perplexity")}


def instances(path):
    """Instances of a file of ours as arrays, padded: input_ids, attention_mask, token_type_ids, labels, order."""
    rows = []
    for record in tf.data.TFRecordDataset(str(path)):
        feature = tf.train.Example.FromString(record.numpy()).features.feature
        rows.append({name: list(one.int64_list.value or one.float_list.value) for name, one in feature.items()})
    length = max(len(row["input_ids"]) for row in rows)
    ids, mask, types = (np.zeros([len(rows), length], np.int64) for _ in range(3))
    labels = np.full([len(rows), length], -100)
    for i, row in enumerate(rows):
        ids[i, : len(row["input_ids"])], mask[i, : len(row["input_ids"])] = row["input_ids"], 1
        types[i, : len(row["segment_ids"])] = row["segment_ids"]
        labels[i, row["masked_lm_positions"]] = row["masked_lm_ids"]
    return ids, mask, types, labels, np.array([row["next_sentence_labels"][0] for row in rows])


def test_transformers_has_the_same_losses_on_the_result(trained, data):
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    model, loaded = transformers.BertForPreTraining.from_pretrained(trained[0] / "model", output_loading_info=True)
    assert not loaded["missing_keys"] and not loaded["unexpected_keys"]
    ids, mask, types, labels, order = (torch.tensor(array) for array in instances(data / "dev.tfrecord"))
    with torch.no_grad():
        found = model.eval()(ids, attention_mask=mask, token_type_ids=types)
    cross_entropy = torch.nn.functional.cross_entropy
    ours = results(trained[0])
    words = cross_entropy(found.prediction_logits.flatten(0, 1), labels.flatten()).item()
    np.testing.assert_allclose(ours["masked_lm_loss"], words, rtol=1e-5)
    np.testing.assert_allclose(
        ours["next_sentence_loss"], cross_entropy(found.seq_relationship_logits, order).item(), rtol=1e-5
    )
    best, counted = found.prediction_logits.argmax(-1), labels >= 0
    accuracy = (best == labels)[counted].float().mean().item()
    np.testing.assert_allclose(ours["masked_lm_accuracy"], accuracy, rtol=1e-5)


def test_evaluation_alone_answers_the_same_and_max_eval_steps_cuts_it(trained, pretrain, data, tmp_path):
    out = trained[0]
    before = results(out)
    evaluation = ("--do_eval", f"--eval_file={data}/dev.tfrecord", "--bert_config_file=None", "--vocab_file=None")
    pretrain(*evaluation, f"--output_dir={out}")
    after = results(out)
    assert after.keys() == before.keys()
    for key in before:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-6, err_msg=key)
    other = tmp_path / "cut"
    pretrain(*evaluation, f"--output_dir={other}", f"--init_checkpoint={out}", "--max_eval_steps=1")
    assert results(other)["masked_lm_loss"] != before["masked_lm_loss"]
    assert results(other)["global_step"] == 24, "the step of the weights, although they are from elsewhere"


@pytest.mark.long
def test_evaluation_alone_knows_the_step_of_the_best_weights(pretrain, data, tmp_path):
    flags = ("--do_eval", f"--eval_file={data}/dev.tfrecord", f"--output_dir={tmp_path}/out", "--learning_rate=1")
    pretrain("--do_train", *STEPS, f"--input_file={data}/train.tfrecord-*", "--eval_steps=6", "--keep_best", *flags)
    before = results(tmp_path / "out")
    assert before["global_step"] < 24, "such a learning rate makes the last weights worse"
    pretrain(*flags, "--bert_config_file=None", "--vocab_file=None")
    assert results(tmp_path / "out")["global_step"] == before["global_step"]


def test_the_result_goes_into_classification(trained, classify, cola_dir, tmp_path):
    ran = classify(
        "--task_name=cola",
        f"--data_dir={cola_dir}",
        "--do_train",
        "--do_eval",
        "--num_train_epochs=1",
        f"--init_checkpoint={trained[0]}",
        f"--output_dir={tmp_path}/out",
    )
    assert re.search(r"not used .*\n.*:\n *cls.predictions", ran.stderr), "what is not used is named"


@pytest.mark.parametrize("kind", ["tf1", "huggingface"])
def test_converted_it_has_the_same_losses(kind, trained, script, pretrain, data, tmp_path):
    converted = tmp_path / kind
    ran = script(
        "convert_checkpoint.py", f"--init_checkpoint={trained[0]}", f"--format={kind}", f"--output_dir={converted}"
    )
    assert ran.wait() == 0, ran.stderr
    checkpoint = converted / "bert_model.ckpt" if kind == "tf1" else converted
    pretrain(
        "--do_eval",
        f"--eval_file={data}/dev.tfrecord",
        f"--init_checkpoint={checkpoint}",
        f"--output_dir={tmp_path}/out",
        "--bert_config_file=None",
        "--vocab_file=None",
    )
    before, after = results(trained[0]), results(tmp_path / "out")
    for key in before.keys() - {"global_step"}:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-5, err_msg=key)


@pytest.mark.parametrize("records", ["train", pytest.param("unmasked", marks=pytest.mark.long)])
def test_killed_and_continued_is_as_never_killed(records, script, pretrain, data, tiny_bert, tmp_path):
    flags = (
        "--do_train",
        *STEPS,
        *SIZES,
        f"--input_file={data}/{records}.tfrecord-*",
        "--save_checkpoints_steps=4",
        f"--bert_config_file={data}/bert_config.json",
        f"--vocab_file={tiny_bert}/vocab.txt",
        "--gradient_accumulation_steps=2",
    )
    again = (*flags, "--overwrite_output_dir") if records == "unmasked" else flags
    straight, out = tmp_path / "straight", tmp_path / "out"
    pretrain(*flags, f"--output_dir={straight}")
    for stop in (3, 13):
        ran = script("run_pretraining.py", *again, f"--output_dir={out}")
        ran.wait_for(lambda: any(int(p.stem.rsplit("-", 1)[1]) >= stop for p in out.glob("model.ckpt-*.index")))  # noqa: B023
        ran.send(signal.SIGKILL)
        ran.process.join()
        assert ran.process.exitcode == -signal.SIGKILL, ran.stderr
    if records == "train":  # the weights of an unfinished run can be started from, its heads included
        other = pretrain(*flags, f"--output_dir={tmp_path}/other", f"--init_checkpoint={out}")
        assert re.search(r"missing +0\n", other.stderr), other.stderr
    assert "continuing from" in pretrain(*again, f"--output_dir={out}").stderr
    assert weights(out) == weights(straight)
    assert "is a finished run" in pretrain(*flags, f"--output_dir={out}").stderr


@pytest.mark.long
def test_lamb_phases_and_a_checkpoint_without_heads(pretrain, data, tiny_bert, tmp_path):
    first = pretrain(
        "--do_train",
        *STEPS,
        f"--input_file={data}/train.tfrecord-*",
        f"--output_dir={tmp_path}/short",
        "--optimizer=lamb",
        "--bert_config_file=None",
        "--vocab_file=None",
        f"--init_checkpoint={tiny_bert}",
    )
    assert "cls/predictions/transform/dense/kernel" in first.stderr, "the head that is missing is named"
    phase = tmp_path / "phase2.flags"
    phase.write_text("--max_seq_length=40\n--max_predictions_per_seq=8\n--learning_rate=1\n--num_train_steps=5\n")
    second = pretrain(
        "--do_train",
        f"--input_file={data}/train.tfrecord-*",
        f"--init_checkpoint={tmp_path}/short",
        f"--flagfile={phase}",
        "--num_warmup_steps=1",
        f"--output_dir={tmp_path}/long",
        "--bert_config_file=None",
        "--vocab_file=None",
        "--train_batch_size=8",
        f"--eval_file={data}/dev.tfrecord",
        "--eval_steps=2",
    )
    # The learning rate is far too high.
    assert second.stderr.count("is worse than before training") == 1
    assert (tmp_path / "long" / "model" / "model.safetensors").exists()


def test_masks_are_filled_and_sentences_scored_as_transformers_does(trained, pretrain, tmp_path):
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    lines = ["the [MASK] is very", "i saw a [MASK] and the [MASK] .", "the day is very", "x"]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    pretrain(
        "--do_predict",
        f"--predict_file={tmp_path}/lines.txt",
        f"--init_checkpoint={trained[0]}",
        f"--output_dir={out}",
        "--predict_top_k=3",
        "--bert_config_file=None",
        "--vocab_file=None",
    )
    found = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [line["text"] for line in found] == lines
    model = transformers.BertForMaskedLM.from_pretrained(trained[0] / "model").eval()
    tokenizer = FullTokenizer(trained[0] / "model" / "vocab.txt")

    def log_probabilities(ids):
        with torch.no_grad():
            return model(torch.tensor([ids])).logits[0].log_softmax(-1)

    for line in found:
        words = line["text"].replace("[MASK]", "[mask]").split()
        pieces = [
            [tokenizer.mask_id] if w == "[mask]" else tokenizer.convert_tokens_to_ids(tokenizer.tokenize(w))
            for w in words
        ]
        ids = [tokenizer.cls_id, *(i for piece in pieces for i in piece), tokenizer.sep_id]
        if "masks" in line:
            assert [mask["position"] for mask in line["masks"]] == [
                i for i, one in enumerate(ids) if one == tokenizer.mask_id
            ]
            for mask in line["masks"]:
                best = log_probabilities(ids)[mask["position"]].exp().topk(3)
                assert [c["token"] for c in mask["candidates"]] == tokenizer.convert_ids_to_tokens(
                    best.indices.tolist()
                )
                probabilities = [c["probability"] for c in mask["candidates"]]
                np.testing.assert_allclose(probabilities, best.values.numpy(), rtol=2e-5)
        else:
            scores = [
                float(log_probabilities([*ids[:i], tokenizer.mask_id, *ids[i + 1 :]])[i, ids[i]])
                for i in range(1, len(ids) - 1)
            ]
            np.testing.assert_allclose([token["log_probability"] for token in line["tokens"]], scores, rtol=2e-5)
            np.testing.assert_allclose(line["pseudo_log_likelihood"], sum(scores), rtol=2e-5)
            np.testing.assert_allclose(line["pseudo_perplexity"], math.exp(-sum(scores) / len(scores)), rtol=5e-5)


def test_dry_run_writes_nothing(pretrain, data, tmp_path):
    ran = pretrain(
        "--do_train", *STEPS, f"--input_file={data}/unmasked.tfrecord-*", f"--output_dir={tmp_path}/out", "--dry_run"
    )
    assert "masked_lm_positions: " in ran.stdout and "tokens: [CLS]" in ran.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.real_data
def test_records_of_the_original_train_as_they_are(golden_dir, data_dir, pretrain, data, tmp_path):
    config = json.loads((data / "bert_config.json").read_text())
    (tmp_path / "bert_config.json").write_text(
        json.dumps({**config, "vocab_size": 30522, "max_position_embeddings": 128})
    )
    out = tmp_path / "out"
    ran = pretrain(
        "--do_train",
        "--do_eval",
        f"--input_file={golden_dir}/pretraining_original.tfrecord",
        f"--output_dir={out}",
        "--max_seq_length=128",
        "--max_predictions_per_seq=20",
        "--num_train_steps=3",
        "--num_warmup_steps=1",
        f"--bert_config_file={tmp_path}/bert_config.json",
        "--vocab_file=None",
    )
    assert "200 instances in 1 file(s), with their masks" in ran.stderr
    assert "no vocabulary is known" in ran.stderr
    assert 9.0 < results(out)["masked_lm_loss"] < 12.0  # three steps away from ln 30522 = 10.3


def wrong(data, folder):
    """name -> (flags, what the one line says)."""
    train = f"--input_file={data}/train.tfrecord-*"
    broken = folder / "broken.tfrecord"
    content = bytearray((data / "dev.tfrecord").read_bytes())
    content[len(content) // 2] ^= 0xFF
    broken.write_bytes(content)
    (folder / "empty.tfrecord").write_bytes(b"")
    short = folder / "short"
    short.mkdir()
    for name in os.listdir(data):
        if name.startswith("train"):
            (short / name).write_bytes((data / name).read_bytes())
    cut = short / "train.tfrecord-00001-of-00002"
    cut.write_bytes(cut.read_bytes()[:-7])
    return {
        "nothing to do": (("--do_train=false", train), "at least one of --do_train"),
        "no input": (("--do_train",), "--input_file is needed"),
        "no file": (("--do_train", "--input_file=/nothing/*.tfrecord"), "no file matches /nothing/*.tfrecord"),
        "a flipped bit": (("--do_train", f"--input_file={broken}"), "broken.tfrecord: corrupted record"),
        "an empty file": (("--do_train", f"--input_file={folder}/empty.tfrecord"), "empty.tfrecord: no record"),
        "a truncated shard": (("--do_train", f"--input_file={short}/train.tfrecord-*"), "-00001-of-00002: "),
        "longer instances": (("--do_train", train, "--max_seq_length=12"), "--max_seq_length=12; raise it"),
        "more predictions": (("--do_train", train, "--max_predictions_per_seq=2"), "=4, this is 2"),
        "an unknown objective": (("--do_train", train, "--objective=masked_ml"), "did you mean 'masked_lm'"),
        "no objective of pre-training": (
            ("--do_train", train, "--objective=sequence_classification"),
            "not an objective",
        ),
        "words of records that know none": (
            ("--do_train", f"--input_file={data}/unmasked.tfrecord-*", "--masking=whole_word"),
            "make the data with --masking=whole_word",
        ),
        "no share of masks": (("--do_train", train, "--masked_lm_prob=0"), "--masked_lm_prob=0.0: a number above 0"),
        "too large a share": (("--do_train", train, "--masked_lm_prob=15"), "--masked_lm_prob=15.0: a number from 0"),
        "a negative warm-up": (("--do_train", train, "--num_warmup_steps=-1"), "--num_warmup_steps=-1: a number from"),
        "an unknown optimizer": (("--do_train", train, "--optimizer=adam"), "'adam'; did you mean 'adamw'"),
        "no lines": (("--do_predict",), "--predict_file is needed"),
        "unmasked without words": (
            ("--do_train", f"--input_file={folder}/unmasked.tfrecord", "--vocab_file=None"),
            "--vocab_file is needed",
        ),
    }


@pytest.mark.long
def test_bad_input_is_one_line_and_touches_nothing(pretrain, data, tmp_path):
    record = next(iter(tf.data.TFRecordDataset(f"{data}/unmasked.tfrecord-00000-of-00002"))).numpy()
    with tf.io.TFRecordWriter(str(tmp_path / "unmasked.tfrecord")) as writer:
        writer.write(record)  # without a manifest, nothing says which vocabulary it is
    for name, (flags, message) in wrong(data, tmp_path).items():
        out = tmp_path / "out"
        ran = pretrain(*STEPS, *flags, f"--output_dir={out}", status=2)
        errors = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1 and message in errors[0], (name, ran.stderr)
        assert not out.exists(), name


def test_a_record_corrupted_deep_in_a_shard(script, pretrain, data, tiny_bert, tmp_path):
    ran = script(
        "create_pretraining_data.py",
        f"--input_file={data}/train.txt",
        f"--vocab_file={tiny_bert}/vocab.txt",
        f"--output_file={tmp_path}/many.tfrecord",
        "--num_processes=1",
        *SIZES,
        "--dupe_factor=20",
    )
    assert ran.wait() == 0, ran.stderr
    shard = tmp_path / "many.tfrecord"
    content = bytearray(shard.read_bytes())
    content[-40] ^= 0xFF  # of the length that the manifest says, and beyond the records that are looked into
    shard.write_bytes(content)
    broken = pretrain("--do_train", *STEPS, f"--input_file={shard}", f"--output_dir={tmp_path}/out", status=2)
    assert "many.tfrecord: corrupted record at byte" in broken.stderr


def test_another_vocabulary_than_the_records(pretrain, data, tiny_bert, tmp_path):
    tokens = (tiny_bert / "vocab.txt").read_text().splitlines()
    (tmp_path / "vocab.txt").write_text("\n".join([*tokens[:5], *reversed(tokens[5:])]) + "\n")
    ran = pretrain(
        "--do_train",
        *STEPS,
        f"--input_file={data}/train.tfrecord-*",
        f"--output_dir={tmp_path}/out",
        f"--vocab_file={tmp_path}/vocab.txt",
        status=2,
    )
    assert "not with the vocabulary and casing of" in ran.stderr
