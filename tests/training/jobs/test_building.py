"""What an objective is made of: the settings that its constructor names."""

import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.options import Option
from bertline.training.jobs.building import arguments_of


class Margin(SequenceClassification):
    options = {"margin": Option(1.0, "How far.")}


class Whole(Margin):
    def __init__(self, encoder, num_labels, class_weights=None, margin=1.0, **kwargs):
        super().__init__(encoder, num_labels, class_weights=class_weights, **kwargs)
        self.margin = margin


def test_an_option_that_the_constructor_lacks_is_refused():
    with pytest.raises(InputError, match="Margin declares the option 'margin', and its constructor has no such"):
        arguments_of(Margin, {"margin": 2.0}, num_labels=2)


def test_settings_reach_the_arguments_of_their_names():
    class Without(Whole):
        options = dict.fromkeys(set(SequenceClassification.options) - {"class_weights"})

    found = arguments_of(Without, {"margin": 2.0, "learning_rate": 1.0}, num_labels=2, class_weights=None)
    assert found == {"margin": 2.0, "num_labels": 2, "class_weights": None}


@pytest.mark.parametrize("name", registry.names("objective"))
def test_every_objective_takes_its_options(name):
    arguments_of(registry.get("objective", name), {})
