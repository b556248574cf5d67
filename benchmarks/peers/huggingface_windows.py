"""transformers on torch: the windows of a batch as rows of a BertForSequenceClassification, a mean of each document."""

import types

import torch

from benchmarks import window_batches
from benchmarks.peers import huggingface


class DocumentModel(torch.nn.Module):
    """The head of a BertForSequenceClassification over the mean of the pooled outputs of a document's windows."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, document, is_there, labels, **windows):
        pooled = self.model.bert(**windows).pooler_output * is_there[:, None]
        counts = torch.zeros(len(labels)).index_add_(0, document, is_there)[:, None]
        vectors = pooled.new_zeros(len(labels), pooled.shape[1]).index_add_(0, document, pooled) / counts
        logits = self.model.classifier(self.model.dropout(vectors))
        return types.SimpleNamespace(loss=torch.nn.functional.cross_entropy(logits, labels), logits=logits)


class Windows(huggingface.Transformers):
    """See benchmarks.peers. The windows that are there, as rows of one batch."""

    with_absent = False

    def _tensors(self, batch):
        rows, document = window_batches.windows(batch, self.with_absent)
        is_there = torch.from_numpy(rows["input_mask"].any(axis=1)).float()
        made = huggingface.tensors({**rows, "label_ids": batch["label_ids"]})
        return {**made, "document": torch.from_numpy(document), "is_there": is_there}

    def _model(self):
        return DocumentModel(super()._model())


class PaddedWindows(Windows):
    """See benchmarks.peers. [B, W, T] as [B * W, T], as a model that takes a fixed number of windows computes it."""

    with_absent = True
