"""convert_checkpoint.py as people run it; `transformers` and the original's own outputs judge what it writes."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

# Both triton (which torch imports where it is installed) and TensorFlow bring an LLVM; the second aborts the process.
sys.modules.setdefault("triton", None)

import tensorflow as tf
from safetensors.numpy import load_file

from bertline.training.folder import run_folder

ROOT = pathlib.Path(__file__).resolve().parents[2]


def convert(*flags, status=0):
    """Runs the script; returns stdout, or its one line of stderr where an error is expected."""
    command = [sys.executable, str(ROOT / "convert_checkpoint.py"), *flags]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    assert run.returncode == status, run.stderr
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == (status != 0) and "Traceback" not in run.stderr
    return errors[0] if status else run.stdout


def test_original_to_huggingface_and_back(golden_dir, tmp_path):
    original = str(golden_dir / "tiny_bert" / "bert_model.ckpt")
    there, back = tmp_path / "hugging face[1]", tmp_path / "tf1 [a-b]*?, ü"  # some of it a pattern to TensorFlow
    for source, out, kind in ((original, there, "huggingface"), (there, back, "tf1")):
        printed = convert(f"--init_checkpoint={source}", f"--output_dir={out}", f"--format={kind}")
        assert "largest difference of sequence_output: 0\n" in printed
        assert "largest difference of pooled_output: 0\n" in printed
        assert "matched       39\n  missing        0\n  not used       0\n" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == [there.name, back.name]
    back = back.rename(tmp_path / "tf1")
    before, after = tf.train.load_checkpoint(original), tf.train.load_checkpoint(str(back / "bert_model.ckpt"))
    names = [n for n in before.get_variable_to_shape_map() if "/adam_" not in n and n != "global_step"]
    assert sorted(names) == sorted(after.get_variable_to_shape_map())
    for name in names:
        np.testing.assert_array_equal(before.get_tensor(name), after.get_tensor(name))
    assert (back / "vocab.txt").read_bytes() == (golden_dir / "tiny_bert" / "vocab.txt").read_bytes()


def test_transformers_computes_what_the_original_computed(golden_dir, tmp_path):
    transformers = pytest.importorskip("transformers", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    convert(f"--init_checkpoint={golden_dir / 'tiny_bert' / 'weights_only.ckpt'}", f"--output_dir={tmp_path}")
    model, info = transformers.BertForPreTraining.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    golden = np.load(golden_dir / "tiny_bert" / "outputs.npz")
    ids, mask, segments = (torch.tensor(golden[n]).long() for n in ("input_ids", "input_mask", "segment_ids"))
    positions = torch.tensor(golden["masked_lm_positions"]).long()
    with torch.no_grad():
        hidden = model.eval().bert(ids, attention_mask=mask, token_type_ids=segments)
        masked = torch.gather(hidden[0], 1, positions[:, :, None].expand(-1, -1, hidden[0].shape[2])).flatten(0, 1)
        computed = {
            "all_encoder_layers": (hidden[0] * mask[:, :, None]).numpy(),
            "pooled_output": hidden[1].numpy(),
            "masked_lm_log_probs": model.cls.predictions(masked).log_softmax(-1).numpy(),
            "next_sentence_log_probs": model.cls.seq_relationship(hidden[1]).log_softmax(-1).numpy(),
        }
    expected = dict(golden)
    expected["all_encoder_layers"] = golden["all_encoder_layers"][-1] * golden["input_mask"][:, :, None]
    for name, value in computed.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5, err_msg=name)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) == model.config.vocab_size


def test_classifier_of_transformers_to_tf1_and_back(tmp_path):
    transformers = pytest.importorskip("transformers", reason="make peers")
    size = dict(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12)
    names = {0: "bad", 1: "fair", 2: "good"}
    config = transformers.BertConfig(**size, id2label=names, label2id={v: k for k, v in names.items()})
    model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(tmp_path / "theirs")
    convert(f"--init_checkpoint={tmp_path / 'theirs'}", f"--output_dir={tmp_path / 'tf1'}", "--format=tf1")
    convert(f"--init_checkpoint={tmp_path / 'tf1'}", f"--output_dir={tmp_path / 'ours'}")
    kind = transformers.BertForSequenceClassification
    again, info = kind.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(info.values()) and again.config.id2label == names
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, again.state_dict()[name], err_msg=name)


@pytest.mark.long
def test_model_without_a_pooler(tmp_path):
    transformers = pytest.importorskip("transformers", reason="make peers")
    size = dict(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12)
    transformers.BertForMaskedLM(transformers.BertConfig(**size)).save_pretrained(tmp_path / "theirs")
    printed = convert(f"--init_checkpoint={tmp_path / 'theirs'}", f"--output_dir={tmp_path / 'tf1'}", "--format=tf1")
    assert "pooled_output" not in printed and "cls/predictions/output_bias" in printed
    written = tf.train.load_checkpoint(str(tmp_path / "tf1" / "bert_model.ckpt")).get_variable_to_shape_map()
    assert not any("pooler" in name for name in written)


def converted(init_checkpoint, output_dir, kind):
    """Converts in this process, without the flags."""
    from bertline import convert_checkpoint
    from bertline.settings.scripts.convert_checkpoint import ConversionSettings

    settings = ConversionSettings(init_checkpoint=str(init_checkpoint), output_dir=str(output_dir), format=kind)
    convert_checkpoint.convert(settings)
    return output_dir


@pytest.mark.parametrize("kind, heads", [("chars", ["W", "b"]), ("words", ["b"])])
def test_the_softmax_of_a_bidirectional_language_model(kind, heads, golden_dir, tmp_path, capsys):
    """A folder of Hugging Face has room for it, ELMo's files have none, as bilm-tf writes them."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("options.json", "model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001"):
        shutil.copyfile(golden_dir / "bilm" / kind / name, source / name)
    expected, names = np.load(golden_dir / "bilm" / kind / "after_8_steps.npz"), [f"lm/softmax/{one}" for one in heads]
    there = converted(source, tmp_path / "there", "huggingface")
    printed = capsys.readouterr().out
    assert f"heads carried along: {', '.join(names)}\n" in printed and "left out" not in printed
    assert "not known here" not in printed and "difference of sequence_output: 0\n" in printed
    written = load_file(there / "model.safetensors")
    for name in names:
        np.testing.assert_array_equal(written[name.replace("/", ".")], expected[name])
    options = json.loads((golden_dir / "bilm" / kind / "options.json").read_text())
    shares = options.get("share_embedding_softmax")
    said = json.loads((there / "config.json").read_text()).get("objective")
    assert said == ({"name": "bidirectional_lm", "options": {"share_embedding_softmax": True}} if shares else None)
    back = converted(there, tmp_path / "back", "bilm")
    printed = capsys.readouterr().out
    assert f"heads carried along: none\nleft out, since bilm has no room for them: {', '.join(names)}\n" in printed
    assert json.loads((back / "options.json").read_text()).get("share_embedding_softmax") == shares


@pytest.mark.parametrize("kind", ["huggingface", "tf1"])
@pytest.mark.long
def test_vocabularies_of_parts_are_written_too(kind, tiny_folder, tmp_path, capsys):
    from bertline.weights.open_model import open_model

    source = tiny_folder("stacked")
    converted(source, tmp_path, kind)
    assert "difference of sequence_output: 0\n" in capsys.readouterr().out
    before, after = (open_model(path).tokenizer for path in (source, tmp_path))
    assert before.parts and after.parts.keys() == before.parts.keys()
    for prefix, part in before.parts.items():
        assert after.part(prefix).vocab == part.vocab


@pytest.mark.long
def test_bad_input(golden_dir, tmp_path):
    tiny = golden_dir / "tiny_bert"
    source = f"--init_checkpoint={tiny / 'bert_model.ckpt'}"
    assert "--init_checkpoint is needed" in convert(status=2)
    assert "output_dir" in convert("--outputdir=x", status=2)
    assert "'stray' is not a flag" in convert(source, f"--output_dir={tmp_path / 'no'}", "stray", status=2)
    (tmp_path / "file").write_text("no folder")
    assert "is a file, not a folder" in convert(source, f"--output_dir={tmp_path / 'file'}", status=2)
    assert "one of bilm, huggingface, tf1 is needed" in convert(
        source, f"--output_dir={tmp_path}", "--format=onnx", status=2
    )
    assert "no such file" in convert(f"--init_checkpoint={tmp_path / 'x.ckpt'}", f"--output_dir={tmp_path}", status=2)
    (tmp_path / "model.safetensors").write_text("precious")
    assert "exists" in convert(source, f"--output_dir={tmp_path}", status=2)
    assert (tmp_path / "model.safetensors").read_text() == "precious"
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + "".join(f"w{i}\n" for i in range(100)))
    out = tmp_path / "out"
    assert "105 tokens" in convert(source, f"--output_dir={out}", f"--vocab_file={tmp_path / 'vocab.txt'}", status=2)
    assert not out.exists()


def test_help_and_flag_errors_do_not_wait_for_tensorflow():
    code = (
        "import sys, runpy; sys.modules['tensorflow'] = None; sys.argv = ['convert_checkpoint.py', {!r}]; "
        "runpy.run_path('convert_checkpoint.py', run_name='__main__')"
    )
    for flag, status in (("--help", 0), ("--format=onnx", 2), ("--output_dir=x", 2)):
        run = subprocess.run([sys.executable, "-c", code.format(flag)], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == status and "Traceback" not in run.stderr, run.stderr


def test_one_command_at_a_time(golden_dir, tmp_path):
    out = tmp_path / "out"
    with run_folder.lock(str(out)):
        line = convert(f"--init_checkpoint={golden_dir}/tiny_bert/bert_model.ckpt", f"--output_dir={out}", status=2)
        assert line.startswith(f"error: --output_dir={out}: another command is at work there; wait for its end")
        assert os.listdir(out) == [run_folder.LOCK]
