"""Options of what is registered are settings of the scripts: declared once, refused where nothing takes them."""

import dataclasses
import inspect

import pytest

from bertline import options, registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.settings.base import setting
from bertline.settings.owned import check_owners, owners_in_words, with_options
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.settings.scripts.run_pretraining import PretrainingSettings
from bertline.settings.scripts.run_squad import SquadSettings
from bertline.settings.scripts.run_tagger import TaggerSettings

CLASSES = (ClassifierSettings, PretrainingSettings, TaggerSettings, SquadSettings)


def is_for(settings_class, kind, owner):
    cls, types = registry.get(kind, owner), getattr(settings_class, "problem_types", None)
    if types is None or kind not in ("processor", "objective"):
        return True
    own = cls.problem_types if kind == "objective" else (cls.problem_type,)
    return bool(set(types) & set(own))


def test_a_script_has_no_option_of_what_it_cannot_use():
    names = {cls: {field.name for field in dataclasses.fields(cls)} for cls in CLASSES}
    assert "doc_stride" in names[SquadSettings] and "crf" in names[TaggerSettings]
    for cls in (ClassifierSettings, TaggerSettings):
        assert "doc_stride" not in names[cls]
    assert "text_a_column" not in names[TaggerSettings] and "crf" not in names[SquadSettings]
    assert "train_file" in names[SquadSettings] & names[TaggerSettings]


@pytest.mark.parametrize("settings_class", CLASSES)
def test_every_option_is_a_field_with_its_default(settings_class):
    fields = {field.name: field for field in dataclasses.fields(settings_class)}
    for kind in settings_class.owners:
        for owner, declared in registry.options(kind).items():
            for name, option in declared.items() if is_for(settings_class, kind, owner) else ():
                assert (kind, owner) in fields[name].metadata["owners"]
                assert owner in owners_in_words(fields[name])
                assert fields[name].default == option.default


@pytest.mark.parametrize("side", ["options", "reading_options"])
def test_options_of_corpora_are_read_from_their_bases(side):
    for owner in registry.names("corpus"):
        assert registry._find_options("corpus", side)[owner] == options.of(registry.get("corpus", owner), side)


@pytest.mark.parametrize("kind", ["objective", "loss", "term", "optimizer", "learning_rate_schedule", "processor"])
def test_every_option_is_an_argument(kind):
    """What a class declares its constructor takes; what the source says is what the class has."""
    for owner in registry._find_declarations(kind):  # other tests register more
        cls = registry.get(kind, owner)
        assert registry._find_options(kind, "options")[owner] == options.of(cls)
        assert options.of(cls).keys() <= inspect.signature(cls.__init__).parameters.keys()


def test_an_option_that_nothing_takes_is_refused():
    with pytest.raises(InputError) as refused:
        check_owners(ClassifierSettings(momentum=0.9))
    said = str(refused.value)
    assert said == "--momentum is of no use with --optimizer=adamw; it is for --optimizer=sgd; leave it out"
    check_owners(ClassifierSettings(momentum=0.9, optimizer="sgd", pooling="mean"))
    with pytest.raises(InputError, match="it is for --task_name=csv, delimited, jsonl, .*; leave it out"):
        check_owners(ClassifierSettings(task_name="MRPC", dev_fraction=0.1))
    check_owners(ClassifierSettings(task_name="TSV", dev_fraction=0.1))
    # A name that nobody knows is refused by its look-up, which has the nearest one.
    check_owners(ClassifierSettings(task_name="tvs", optimizer="adm", dev_fraction=0.1, momentum=0.9))
    with pytest.raises(InputError, match="--score_range is of no use with --objective=sequence_classification"):
        check_owners(ClassifierSettings(score_range="0,5", do_train=True, output_dir="x"))


def test_what_is_registered_later_takes_an_option_too(monkeypatch):
    made = PretrainingDataSettings
    assert with_options(made) is made
    base = registry.get("corpus", "next_sentence")
    monkeypatch.setitem(registry._registered["corpus"], "mine", type("Mine", (base,), {"options": {"max_ngram": None}}))
    later = with_options(made)
    check_owners(later(instances="mine", masking="span"))
    with pytest.raises(InputError, match="--masking=spam: one of token, whole_word, ngram, span is needed"):
        check_owners(later(instances="mine", masking="spam"))
    with pytest.raises(InputError, match="--max_ngram is of no use with --instances=mine; it is for --instances=full_"):
        check_owners(later(instances="mine", max_ngram=2))


def test_defaults_that_differ_are_each_owners_own(monkeypatch):
    declared = {"a": {"rate": Option(0.5, "A rate.")}, "b": {"rate": Option(0.25, "A rate.")}}
    monkeypatch.setattr(registry, "options", lambda kind: declared)

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Own:
        owners = {"thing": "thing"}
        thing: str = setting("a", "Which one.")

    made = with_options(Own)()
    assert made.rate is None
    one = type("One", (), {"options": declared["b"]})
    assert options.values_for(one, vars(made)) == {"rate": 0.25}
    assert options.values_for(one, vars(dataclasses.replace(made, rate=1.0))) == {"rate": 1.0}
