"""A teacher in the loss: the value against torch, its gradient, and what a teacher must have in common."""

import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_classifiers import COLOURS, classifier_folder, letters

from bertline import registry
from bertline.errors import InputError
from bertline.training.optimizers.sgd import SGD
from bertline.training.schedules.constant import Constant
from bertline.training.steps.step import TrainStep
from bertline.training.terms.term import make_terms

BATCH = {**small_models.classification_batch(), "is_real_example": np.array([1, 1, 0, 1, 1, 1, 1], np.int32)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("teacher"))


def student(name="sequence_classification"):
    return small_models.objective(name, num_hidden_layers=1, classifier_dropout=0.0)


def term(objective, folder, **options):
    (found,) = make_terms(objective, {"terms": "distillation", "teacher": str(folder), **options})
    return found


def test_the_loss_is_that_of_the_paper(folder):
    """(1 - share) * cross entropy + share * T ** 2 * KL, of the rows that count; the gradient is that of the logits."""
    torch = pytest.importorskip("torch", reason="make peers")
    objective, features = student(), small_models.tensors(BATCH)
    distillation = term(objective, folder, teacher_share=0.3, teacher_temperature=2.5)
    logits = torch.tensor(objective(features)["logits"].numpy(), requires_grad=True)
    wanted = torch.tensor(distillation.teacher(features)["logits"].numpy())
    real = torch.tensor(BATCH["is_real_example"] > 0)
    right = torch.nn.functional.cross_entropy(
        logits, torch.tensor(BATCH["label_ids"].astype(np.int64)), reduction="none"
    )
    found, soft = (torch.log_softmax(x / 2.5, -1) for x in (logits, wanted))
    apart = 2.5**2 * torch.nn.functional.kl_div(found, soft, reduction="none", log_target=True).sum(-1)
    expected = (0.7 * right + 0.3 * apart)[real].mean()
    expected.backward()
    named = objective.named_weights()
    step = TrainStep(objective, SGD(named, Constant(1.0, 1)), tf.Variable(0, dtype=tf.int64), 0, terms=[distillation])
    step.max_grad_norm, before = 0.0, named["output_bias"].numpy()
    scalars = step(features)
    assert float(scalars["loss"]) == pytest.approx(expected.item(), rel=1e-5)
    moved = before - named["output_bias"].numpy()
    np.testing.assert_allclose(moved, logits.grad.sum(axis=0).numpy(), atol=1e-6)


def test_the_teacher_does_not_move(folder):
    distillation = term(student(), folder)
    teacher = {id(variable) for variable in distillation.teacher.named_weights().values()}
    assert teacher.isdisjoint(map(id, distillation.objective.named_weights().values()))


def test_what_does_not_fit_is_refused_in_one_line(folder, tmp_path):
    distillation, tokenizer = term(student(), folder), letters(tmp_path / "vocab.txt")
    distillation.check(tokenizer, COLOURS, 64)
    (tmp_path / "other").mkdir()
    other = letters(tmp_path / "other" / "vocab.txt")
    other.fingerprint = lambda: "another"
    for arguments, said in (
        ((other, COLOURS, 64), "another vocabulary or casing than the student's"),
        ((tokenizer, COLOURS[::-1], 64), "trained on the labels red, green, blue; here they are blue, green, red"),
        ((tokenizer, COLOURS, 65), "has positions for 64 tokens; lower --max_seq_length=65"),
    ):
        with pytest.raises(InputError, match=f"^--teacher={folder}: {said}") as refused:
            distillation.check(*arguments)
        assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="^--terms=distillation needs --teacher, "):
        make_terms(student(), {"terms": "distillation"})
    with pytest.raises(InputError, match="^--teacher_share=1.5: 1, the teacher alone, at most$"):
        term(student(), folder, teacher_share=1.5)


def test_a_teacher_of_another_kind_is_refused(folder):
    tags = registry.get("objective", "token_classification")(small_models.encoder(num_hidden_layers=1), 3)
    with pytest.raises(
        InputError, match=f"^--teacher={folder}: a head of sequence_classification, the student is token_"
    ):
        term(tags, folder)
