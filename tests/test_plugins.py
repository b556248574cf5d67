"""A user's own processor, written as users of the original wrote theirs."""

import importlib
import textwrap

import pytest

from bertline import plugins, registry
from bertline.errors import InputError
from bertline.processors import DataProcessor

AS_FOR_THE_ORIGINAL = """
    import os
    from bertline.processors import DataProcessor, InputExample, tokenization


    class {name}Processor(DataProcessor):

      def get_train_examples(self, data_dir):
        return self._create_examples(
            self._read_tsv(os.path.join(data_dir, "train.tsv")), "train")

      def get_test_examples(self, data_dir):
        return self._create_examples(
            self._read_tsv(os.path.join(data_dir, "test.tsv")), "test")

      def get_labels(self):
        return ["no", "yes"]

      def _create_examples(self, lines, set_type):
        examples = []
        for (i, line) in enumerate(lines):
          if i == 0:
            continue
          guid = "%s-%s" % (set_type, i)
          text_a = tokenization.convert_to_unicode(line[1])
          if set_type == "test":
            label = None
          else:
            label = tokenization.convert_to_unicode(line[2])
          examples.append(
              InputExample(guid=guid, text_a=text_a, text_b=None, label=label))
        return examples
"""


@pytest.fixture
def module(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("package, name", [("bertline.processors", "Verdict"), ("processors", "Judgement")])
def test_processor_of_the_original_runs(module, tmp_path, package, name):
    """Files of the time when a clone's modules had no package in front of them run too, on the same classes."""
    text = AS_FOR_THE_ORIGINAL.format(name=name).replace("bertline.processors", package)
    assert plugins.load(module(text)) == [("processor", name.lower())]
    processor = registry.get("processor", name.lower())()
    assert isinstance(processor, DataProcessor)
    (tmp_path / "train.tsv").write_bytes('\ufeffid\ttext\tlabel\r\n7\tça va "bien\tyes\r\n'.encode())
    (example,) = processor.get_train_examples(str(tmp_path))
    assert (example.guid, example.text_a, example.text_b, example.label) == ("train-1", 'ça va "bien', None, "yes")
    (tmp_path / "test.tsv").write_text("id\ttext\n1\tgood\n2 no tab\n")
    with pytest.raises(InputError, match=r"test\.tsv:3: 1 columns, column 2 is needed; is the file tab-separated\?"):
        processor.get_test_examples(str(tmp_path))
    with pytest.raises(InputError, match=rf"{name}Processor has no get_dev_examples\(\)"):
        processor.get_dev_examples(str(tmp_path))


def test_registered_names_are_kept(module):
    text = """
        from bertline import registry
        from bertline.processors import DataProcessor

        class _Base(DataProcessor):
            pass

        @registry.register("processor", "user-named", "user-alias")
        class NamedProcessor(_Base):
            pass

        class PlainProcessor(_Base):
            pass
    """
    found = [("processor", name) for name in ("plain", "user-alias", "user-named")]
    assert plugins.load(module(text)) == found == plugins.load(module(text))
    assert "named" not in registry.names("processor")


@pytest.mark.parametrize(
    "text, error",
    [
        ("x = 1\n", r"mine\.py: registers nothing; decorate a class"),
        ("\n\nx = 1 / 0\n", r"mine\.py:3: ZeroDivisionError"),
        ("x = (\n", r"mine\.py:1: SyntaxError"),
        ("import os\nimport run_my_classifier\n", r"mine\.py:2: ModuleNotFoundError.*from bertline.processors import"),
        ("def f():\n    raise KeyError('k')\n\nf()\n", r"mine\.py:2: KeyError"),
        ("from bertline.processors import DataProcessor\nclass Mrpc(DataProcessor): pass\n", r"'mrpc', which is taken"),
    ],
)
def test_what_is_wrong_is_named(module, text, error):
    with pytest.raises(InputError, match=error):
        plugins.load(module(text))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.py: no such file"):
        plugins.load(str(tmp_path / "none.py"))


@pytest.mark.slow
def test_a_file_that_registers_by_plain_names_reaches_the_one_registry(module):
    text = """
        import registry
        from errors import InputError
        from modeling.encoder import Encoder

        @registry.register("encoder", "plainly_imported")
        class PlainlyImported(Encoder):
            pass
    """
    assert plugins.load(module(text)) == [("encoder", "plainly_imported")]
    assert issubclass(
        registry.get("encoder", "plainly_imported"), importlib.import_module("bertline.modeling.encoder").Encoder
    )
