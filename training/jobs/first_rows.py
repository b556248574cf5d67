"""The first rows of a split as a model would see them, for --dry_run."""

import tempfile

from bertline.processors.records import batches, record_files
from bertline.processors.records.feature_spec import ids_of, mask_of, token_axes

ROWS_SHOWN = 4


def show(split, examples, found, encoder, tokenizer):
    """Prints tokens, ids and what is learned of each row, by way of records in a temporary folder where there are none.

    Args:
      split: its name.
      examples: list of InputExample, not read where there are records.
      found: a RecordSet, or None.
      encoder: the ExampleEncoder.
      tokenizer: the model's.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = found or record_files.write_records(examples[:ROWS_SHOWN], encoder, folder, split)
        batch = next(iter(batches.train_batches(found, min(ROWS_SHOWN, found.num_examples), 0)))
    for i in range(len(batch["example_index"])):
        for axis in token_axes(encoder.spec):
            name = ids_of(axis)
            kept = batch[name][i][batch[mask_of(axis)][i] > 0].numpy().tolist()
            print(f"tokens: {' '.join(tokenizer.convert_ids_to_tokens(kept))}")
            print(f"  {name}: {kept}")
        for name in encoder.labels.spec:
            print(f"  {name}: {batch[name][i].numpy().tolist()}")
