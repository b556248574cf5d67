"""Exports a model as a SavedModel that takes raw text, for programs that have TensorFlow and tensorflow-text only.

It is loaded again, and the largest difference of its outputs to the live model's is reported. A TensorFlow Hub module
too: hub.load(output_dir). Signatures: serving_default (text) and pairs (text_a, text_b); of a tagger serving_default
(text) and words (words); of a reader of answers serving_default (question, context); of a ranker serving_default
(query, candidates).
"""

import logging

from bertline import errors
from bertline.common import console
from bertline.settings import flags
from bertline.settings.scripts import export_model

EXAMPLE = """import tensorflow as tf, tensorflow_text
print(tf.saved_model.load({folder!r})({arguments}))"""


def main(_):
    with errors.report_errors("nothing was written"):
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(export_model.ExportSettings)
        export_model.check(run)
        # TensorFlow is imported only now that flags are known to be good.
        console.import_tensorflow()
        from bertline.serving.export.exporter import export

        size, differences, example = export(run)
    print(f"written: {run.output_dir}, {size / 1e6:.1f} MB, {run.dtype}")
    for name, difference in differences.items():
        print(f"largest difference of {name} to the live model in float32: {difference:.3g}")
    arguments = ", ".join(f"tf.constant({texts!r})" for texts in example)
    print(EXAMPLE.format(folder=run.output_dir, arguments=arguments))


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(export_model.ExportSettings)
    flags.alias("model", "init_checkpoint")
    flags.run(main)


if __name__ == "__main__":
    command()
