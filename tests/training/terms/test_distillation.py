"""A teacher in the loss: the value against torch, its gradient, and what a teacher must have in common."""

import functools
import json

import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_classifiers import COLOURS, classifier_folder, letters

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.transformers.bert import Bert
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.processors.labels.base import make_labels
from bertline.settings.owned import check_owners
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.optimizers.parameter_groups import ParameterGroup
from bertline.training.optimizers.sgd import SGD
from bertline.training.schedules.constant import Constant
from bertline.training.steps.step import TrainStep
from bertline.training.terms.forward import Forward
from bertline.training.terms.term import TrainingRows, make_terms
from bertline.weights.load_save import save_huggingface
from bertline.weights.open_model import ModelSettings, open_model

BATCH = {
    **small_models.classification_batch(),
    "is_real_example": np.array([1, 1, 0, 1, 1, 1, 1], np.int32),
    "example_index": np.array([6, 0, 2, 1, 4, 3, 5], np.int32),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("teacher"))


def student(name="sequence_classification"):
    return small_models.objective(name, num_hidden_layers=1, classifier_dropout=0.0)


def term(objective, folder=None, **options):
    teacher = {"teacher": str(folder)} if folder else {}
    (found,) = make_terms(objective, {"terms": "distillation", **teacher, **options})
    return found


def step_of(objective, distillation, in_graph=False, micro_batches=1, jit_compile=False):
    """One step of plain descent at rate 1: (scalars, weights before minus weights after: the gradients)."""
    named = {**objective.named_weights(), **distillation.named_weights()}
    before = {name: weight.numpy() for name, weight in named.items()}
    optimizer = SGD(named, Constant(1.0, 1), groups=[ParameterGroup("")])
    count = tf.Variable(0, dtype=tf.int64)
    step = TrainStep(objective, optimizer, count, 0, micro_batches, max_grad_norm=0.0, terms=[distillation])
    run = tf.function(step, jit_compile=jit_compile) if in_graph or jit_compile else step
    scalars = {name: float(value) for name, value in run(small_models.tensors(BATCH)).items()}
    return scalars, {name: before[name] - weight.numpy() for name, weight in named.items()}


def test_the_loss_is_that_of_the_paper(folder):
    """(1 - share) * cross entropy + share * T ** 2 * KL, of the rows that count; the gradient is that of the logits."""
    torch = pytest.importorskip("torch", reason="make peers")
    objective, features = student(), small_models.tensors(BATCH)
    distillation = term(objective, folder, teacher_share=0.3, teacher_temperature=2.5)
    logits = torch.tensor(objective(features)["logits"].numpy(), requires_grad=True)
    wanted = torch.tensor(distillation.teacher.outputs(features)["logits"].numpy())
    real = torch.tensor(BATCH["is_real_example"] > 0)
    right = torch.nn.functional.cross_entropy(
        logits, torch.tensor(BATCH["label_ids"].astype(np.int64)), reduction="none"
    )
    found, soft = (torch.log_softmax(x / 2.5, -1) for x in (logits, wanted))
    apart = 2.5**2 * torch.nn.functional.kl_div(found, soft, reduction="none", log_target=True).sum(-1)
    expected = (0.7 * right + 0.3 * apart)[real].mean()
    expected.backward()
    scalars, moved = step_of(objective, distillation)
    assert scalars["loss"] == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(moved["output_bias"], logits.grad.sum(axis=0).numpy(), atol=1e-6)


# Layers


def torch_model(folder):
    """BertForSequenceClassification of a folder, and States of it: hidden states, scores of attention of each layer."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    model = transformers.BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    given = {"input_ids": BATCH["input_ids"], "token_type_ids": BATCH["segment_ids"]}
    given = {name: torch.tensor(array.astype(np.int64)) for name, array in given.items()}
    mask = torch.tensor(BATCH["input_mask"].astype(np.int64))
    found = model(**given, attention_mask=mask, output_hidden_states=True, output_attentions=True)
    scores = []
    for layer, states, shares in zip(model.bert.encoder.layer, found.hidden_states, found.attentions):
        heads = model.config.num_attention_heads
        query, key = (
            dense(states).reshape(*states.shape[:2], heads, -1).transpose(1, 2)
            for dense in (layer.attention.self.query, layer.attention.self.key)
        )
        scores.append(query @ key.transpose(2, 3) / query.shape[-1] ** 0.5)
        masked = scores[-1].masked_fill(mask[:, None, None] == 0, -1e4)
        assert torch.allclose(torch.softmax(masked, -1), shares, atol=1e-5), "these are the scores of the library"
    return model, found, scores


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A student of one layer, half as wide as the teacher, with as many heads; and its folder."""
    objective = small_models.objective(
        "sequence_classification", num_hidden_layers=1, num_attention_heads=2, classifier_dropout=0.0
    )
    folder = tmp_path_factory.mktemp("narrow")
    save_huggingface(objective, folder, None, {"problem_type": "single_label_classification"})
    return objective, folder


@pytest.mark.slow
def test_layers_are_matched_as_in_tinybert(folder, narrow):
    """Layer 1 of 1 learns from layer 2 of 2, embeddings from embeddings, real tokens alone; value and all gradients."""
    torch = pytest.importorskip("torch", reason="make peers")
    (objective, student_folder), (wanted, scores) = narrow, torch_model(folder)[1:]
    model, found, own_scores = torch_model(student_folder)
    distillation = term(objective, folder, teacher_share=0.4, teacher_states=0.7, teacher_attention=0.2)
    projections = {
        name: torch.tensor(w.numpy(), requires_grad=True) for name, w in distillation.named_weights().items()
    }
    assert sorted(projections) == ["embeddings", "layers"]
    real, rows = torch.tensor(BATCH["input_mask"]).bool(), torch.tensor(BATCH["is_real_example"] > 0)
    expected = 0.0
    for i in torch.where(rows)[0].tolist():
        n = real[i].sum()
        loss = 0.6 * torch.nn.functional.cross_entropy(found.logits[i], torch.tensor(int(BATCH["label_ids"][i])))
        soft, own = (torch.log_softmax(x.logits[i] / 2.0, -1) for x in (wanted, found))
        loss += 0.4 * 4.0 * (soft.exp() * (soft - own)).sum()
        for mine, theirs, name in ((0, 0, "embeddings"), (1, 2, "layers")):
            projected = found.hidden_states[mine][i, :n] @ projections[name]
            loss += 0.7 * torch.nn.functional.mse_loss(projected, wanted.hidden_states[theirs][i, :n].detach())
        loss += 0.2 * torch.nn.functional.mse_loss(own_scores[0][i, :, :n, :n], scores[1][i, :, :n, :n].detach())
        expected += loss / rows.sum()
    expected.backward()
    scalars, moved = step_of(objective, distillation)
    assert scalars["loss"] == pytest.approx(expected.item(), rel=1e-4)
    gradients = dict(model.named_parameters())
    named = objective.huggingface_names()
    for name, value in moved.items():
        there, turned = named.get(name, (None, False))
        there = gradients[there].grad if there else projections[name].grad
        there = there.numpy().T if turned else there.numpy()
        np.testing.assert_allclose(value, there, atol=2e-4 * max(1.0, np.abs(there).max()), err_msg=name)


@pytest.mark.long
def test_equal_widths_need_no_projection_and_cuts_change_nothing(folder, tmp_path):
    """The student of the teacher's own first layer; its embeddings are the teacher's, so they add nothing."""
    config = tmp_path / "config.json"
    dropout = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"), 0.0)
    sizes = json.loads((folder / "config.json").read_text()) | {"num_hidden_layers": 1} | dropout
    config.write_text(json.dumps(sizes))
    source = open_model(str(folder), bert_config_file=str(config))

    def first_layer():
        objective = source.build(lambda e: SequenceClassification(e, 3), ModelSettings(), for_training=True)
        report = source.load_into(objective)
        assert not report.missing and any("layer.1." in name for name in report.unused)
        return objective

    found = []
    for micro_batches in (1, 3):
        objective = first_layer()
        distillation = term(objective, folder, teacher_states=1.0, teacher_attention=1.0)
        assert not distillation.named_weights()
        found.append(step_of(objective, distillation, micro_batches > 1, micro_batches))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-4)
    for name, gradient in found[0][1].items():
        np.testing.assert_allclose(
            found[1][1][name], gradient, atol=1e-4 * max(1.0, np.abs(gradient).max()), err_msg=name
        )


@pytest.mark.long
@pytest.mark.parametrize("kind", ["layers", "files"])
def test_compiled_by_xla(kind, folder, tmp_path):
    def step(jit_compile):
        objective = small_models.objective(
            "sequence_classification",
            {"static": True},
            num_hidden_layers=1,
            num_attention_heads=2,
            classifier_dropout=0.0,
        )
        if kind == "layers":
            distillation = term(objective, folder, teacher_states=1.0, teacher_attention=1.0)
            for weight in distillation.named_weights().values():
                weight.assign(np.full(weight.shape, 0.01))
        else:
            path = write_predictions(tmp_path / "predictions.tsv", np.random.default_rng(2).dirichlet(np.ones(3), 7))
            distillation = term(objective, teacher_predictions=str(path))
            distillation.check(TrainingRows(None, COLOURS, 64, 7))
        return step_of(objective, distillation, jit_compile=jit_compile)

    (scalars, gradients), (compiled, again) = step(False), step(True)
    assert compiled == pytest.approx(scalars, rel=1e-4)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(again[name], gradient, atol=1e-4 * max(1.0, np.abs(gradient).max()), err_msg=name)


def test_nobody_keeps_states_unless_a_term_asks(monkeypatch):
    """The ordinary pass runs the last layer for the first token alone."""
    asked, call = [], Bert.call

    @functools.wraps(call)  # Keras looks at the signature
    def spy(self, *given, **more):
        asked.append(more.get("all_layers", False))
        return call(self, *given, **more)

    monkeypatch.setattr(Bert, "call", spy)
    objective, features, key = student(), small_models.tensors(BATCH), DropoutKey(tf.constant([0, 1]))
    passes = [
        Forward(objective, lambda features, key: objective(features, dropout_key=key), features, key, records=records)
        for records in (False, True)
    ]
    assert asked == [False, True] and [len(one.states) for one in passes] == [0, 1]
    np.testing.assert_allclose(passes[0].outputs["logits"], passes[1].outputs["logits"], atol=1e-5)


def test_layers_that_do_not_fit_are_refused_in_one_line(folder, tmp_path):
    for options, changes, said in (
        ({"teacher_attention": 1.0}, {"num_attention_heads": 4}, "2 heads of attention, the student has 4; --teacher_"),
        (
            {"teacher_states": 1.0},
            {"num_hidden_layers": 3},
            "2 layers, the student has 3; .* student with 1, 2 is needed",
        ),
    ):
        sizes = {"num_hidden_layers": 1, **changes}
        with pytest.raises(InputError, match=f"^--teacher={folder}: {said}") as refused:
            term(small_models.objective("sequence_classification", **sizes), folder, **options)
        assert "\n" not in str(refused.value)
    ranking = registry.get("objective", "candidate_ranking")(small_models.encoder(num_hidden_layers=1))
    with pytest.raises(InputError, match="^--terms=distillation: --objective=candidate_ranking does not read the same"):
        term(ranking, folder, teacher_states=1.0)
    net = registry.get("objective", "sequence_classification")(small_models.encoder("bilstm"), 3)
    with pytest.raises(InputError, match="^--teacher_attention: the student or --teacher=.* has no attention"):
        term(net, folder, teacher_attention=1.0)


# Files of predictions


def write_predictions(path, probabilities, labels=COLOURS, **files):
    found = make_labels("single_label_classification", labels).prediction_files(probabilities, **files)
    path.parent.mkdir(exist_ok=True)
    for name, lines in found.items():
        (path.parent / name).write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["test_results.tsv", "predictions.tsv", "predictions.csv", "predictions.jsonl"])
def test_several_files_teach_their_mean(name, tmp_path):
    """Of MT-DNN's ensemble: against torch; rows found by their number, columns by the labels' names."""
    torch = pytest.importorskip("torch", reason="make peers")
    draw, file_format = np.random.default_rng(8), name.rpartition(".")[2]
    one, two = draw.dirichlet(np.ones(3), (2, 7))
    paths = [
        write_predictions(tmp_path / "one" / name, one, file_format=file_format),
        write_predictions(tmp_path / "two" / name, two, file_format=file_format),
    ]
    if name != "test_results.tsv":  # which does not name them
        write_predictions(paths[1], two[:, ::-1], COLOURS[::-1], file_format=file_format)
    objective = student()
    distillation = term(objective, teacher_predictions=",".join(map(str, paths)), teacher_share=1.0)
    distillation.check(TrainingRows(None, COLOURS, 64, 7))
    logits = torch.tensor(objective(small_models.tensors(BATCH))["logits"].numpy())
    wanted = torch.tensor(((one + two) / 2)[BATCH["example_index"]])
    soft = torch.softmax(wanted.log() / 2.0, -1)
    apart = 4.0 * torch.nn.functional.kl_div(torch.log_softmax(logits / 2.0, -1), soft, reduction="none").sum(-1)
    expected = apart[torch.tensor(BATCH["is_real_example"] > 0)].mean()
    assert step_of(objective, distillation)[0]["loss"] == pytest.approx(expected.item(), rel=1e-3)


def test_predictions_of_other_rows_or_labels_are_refused_in_one_line(tmp_path):
    path = write_predictions(tmp_path / "predictions.tsv", np.full((7, 3), 1 / 3))
    (tmp_path / "plain.tsv").write_text("text\tlabel\na\tred\n")
    (tmp_path / "words.tsv").write_text("guid\tlabel\tprobability_red\na\tred\tmuch\n")
    (tmp_path / "scores.jsonl").write_text('{"label": 1.5}\n')

    def check(path, labels, count):
        term(student(), teacher_predictions=str(path)).check(TrainingRows(None, labels, 64, count))

    check(path, COLOURS, 7)
    for arguments, said in (
        (
            (path, COLOURS, 8),
            "--teacher_predictions=.*: 7 rows, and there are 8 to train on; give the file that --do_pr",
        ),
        ((path, ("red", "green", "grey"), 7), ".*of the labels red, green, blue; here they are red, green, grey$"),
        ((tmp_path / "test_results.tsv", COLOURS[:2], 7), ".*: 3 numbers a row, and there are 2 labels$"),
        ((tmp_path / "plain.tsv", COLOURS, 1), ".*plain.tsv: no predictions; needed: a column probability_LABEL"),
        ((tmp_path / "words.tsv", COLOURS, 1), ".*words.tsv:2: 'much' is no number"),
        ((tmp_path / "scores.jsonl", COLOURS, 1), r".*of the labels none \(a score\); here they are red, green, blue$"),
        ((tmp_path / "none.tsv", COLOURS, 1), ".*none.tsv: no such file"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            check(*arguments)
        assert "\n" not in str(refused.value)


def test_what_files_cannot_say_is_refused(tmp_path):
    path = str(write_predictions(tmp_path / "predictions.tsv", np.full((7, 3), 1 / 3)))
    with pytest.raises(InputError, match="^--teacher_states and .*: files of predictions have no layers; give"):
        term(student(), teacher_predictions=path, teacher_states=1.0)
    with pytest.raises(InputError, match="^--teacher_task=rte: files of predictions are of one task; leave it out$"):
        term(student(), teacher_predictions=path, teacher_task="rte")
    tags = registry.get("objective", "token_classification")(small_models.encoder(num_hidden_layers=1), 3)
    with pytest.raises(InputError, match="^--teacher_predictions=.*: --objective=token_classification predicts more"):
        term(tags, teacher_predictions=path)
    for given in ({"teacher": "a", "teacher_predictions": path}, {}):
        with pytest.raises(InputError, match="^--terms=distillation needs --teacher, .*; give one of them$"):
            term(student(), **given)


@pytest.mark.parametrize("problem_type", ["regression", "multi_label_classification"])
def test_predictions_become_the_outputs_that_they_are_of(problem_type):
    count = 1 if problem_type == "regression" else 3
    objective = SequenceClassification(small_models.encoder(num_hidden_layers=1), count, problem_type)
    outputs = {"logits": tf.constant([[-9.0, 0.5, 3.0][:count], [2.0, -1.0, 0.0][:count]])}
    again = objective.outputs_of(objective.predictions(outputs)["probabilities"])
    np.testing.assert_allclose(again["logits"], outputs["logits"], rtol=1e-3)


def test_the_teacher_does_not_move(folder):
    distillation = term(student(), folder)
    teacher = {id(variable) for variable in distillation.teacher.objective.named_weights().values()}
    assert teacher.isdisjoint(map(id, distillation.objective.named_weights().values()))


def test_what_does_not_fit_is_refused_in_one_line(folder, tmp_path):
    distillation, tokenizer = term(student(), folder), letters(tmp_path / "vocab.txt")
    distillation.check(TrainingRows(tokenizer, COLOURS, 64, 7))
    (tmp_path / "other").mkdir()
    other = letters(tmp_path / "other" / "vocab.txt")
    other.fingerprint = lambda: "another"
    for arguments, said in (
        ((other, COLOURS, 64), "another vocabulary or casing than the student's"),
        ((tokenizer, COLOURS[::-1], 64), "trained on the labels red, green, blue; here they are blue, green, red"),
        ((tokenizer, COLOURS, 65), "has positions for 64 tokens; lower --max_seq_length=65"),
    ):
        with pytest.raises(InputError, match=f"^--teacher={folder}: {said}") as refused:
            distillation.check(TrainingRows(*arguments, 7))
        assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="^--teacher_share=1.5: a number from 0 to 1 is needed$"):
        check_owners(ClassifierSettings(terms="distillation", teacher_share=1.5))
    with pytest.raises(InputError, match="^--teacher_share=0: nothing is learned from the teacher"):
        term(student(), folder, teacher_share=0.0)
    with pytest.raises(InputError, match="^--teacher_task=rte: --teacher=.* has the tasks: one, which has no name;"):
        term(student(), folder, teacher_task="rte")


def test_a_teacher_of_another_kind_is_refused(folder):
    tags = registry.get("objective", "token_classification")(small_models.encoder(num_hidden_layers=1), 3)
    with pytest.raises(
        InputError, match=f"^--teacher={folder}: a head of sequence_classification, the student is token_"
    ):
        term(tags, folder)


def test_a_tagger_of_whole_sentences_does_not_teach_one_of_words(tmp_path):
    """The scores that a CRF adds up are no logits of tags."""
    make = registry.get("objective", "token_classification")
    tokenizer = letters(tmp_path / "vocab.txt")
    config = small_models.config(num_hidden_layers=1, vocab_size=tokenizer.vocab_size)
    teacher = make(Bert(config), 3, crf=True)
    names = {"id2label": {str(i): name for i, name in enumerate("OIB")}, "label2id": {"O": 0, "I": 1, "B": 2}}
    save_huggingface(teacher, tmp_path, tokenizer, {**teacher.saved_entries(), **names})
    with pytest.raises(InputError, match=f"^--teacher={tmp_path}: its token_classification has no outputs that could"):
        term(make(small_models.encoder(num_hidden_layers=1), 3), tmp_path)


def test_no_more_than_the_labels_loss_can_be_given_away(folder):
    given = {"terms": "distillation,label_smoothing", "teacher": str(folder), "label_smoothing": 0.3}
    assert len(make_terms(student(), {**given, "teacher_share": 0.7})) == 2
    message = "^--terms=distillation,label_smoothing: of the labels' loss distillation 0.8 and label_smoothing 0.3"
    with pytest.raises(InputError, match=message):
        make_terms(student(), {**given, "teacher_share": 0.8})
