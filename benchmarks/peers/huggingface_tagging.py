"""transformers on torch: BertForTokenClassification, labels at first pieces, -100 elsewhere, as in its examples."""

import numpy as np
import torch
import transformers

from benchmarks.peers import huggingface


def tensors(batch):
    """A batch of arrays under transformers' names; labels int64 [B, T]."""
    labels = np.full(batch["input_ids"].shape, -100, np.int64)
    rows, words = np.nonzero(batch["word_mask"])
    labels[rows, batch["word_positions"][rows, words]] = np.where(
        batch["label_ids"][rows, words] < 0, -100, batch["label_ids"][rows, words]
    )
    return huggingface.tensors({**batch, "label_ids": labels})


class Tagging(huggingface.Transformers):
    """See benchmarks.peers."""

    def _tensors(self, batch):
        return tensors(batch)

    def _model(self):
        model = transformers.BertForTokenClassification.from_pretrained(
            self._folder, num_labels=self._batches.num_labels, dtype=torch.float32
        )
        with torch.no_grad():
            model.classifier.weight.copy_(torch.from_numpy(self._batches.head(model.config.hidden_size)))
            model.classifier.bias.zero_()
        return model

    def _accuracy(self, model, order, context):
        model.eval()
        right = count = 0
        with torch.inference_mode(), context:
            for batch in self._data["eval", order]:
                outputs = model(**batch)
                outputs.loss.item()
                labelled = batch["labels"] >= 0
                right += int((outputs.logits.argmax(dim=2) == batch["labels"])[labelled].sum())
                count += int(labelled.sum())
        return right / count
