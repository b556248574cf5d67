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

    def forward(self, document, labels, **windows):
        pooled = self.model.bert(**windows).pooler_output
        counts = torch.bincount(document, minlength=len(labels))[:, None]
        vectors = pooled.new_zeros(len(labels), pooled.shape[1]).index_add_(0, document, pooled) / counts
        logits = self.model.classifier(self.model.dropout(vectors))
        return types.SimpleNamespace(loss=torch.nn.functional.cross_entropy(logits, labels), logits=logits)


class Windows(huggingface.Transformers):
    """See benchmarks.peers."""

    def _tensors(self, batch):
        rows, document = window_batches.windows(batch)
        made = huggingface.tensors({**rows, "label_ids": batch["label_ids"]})
        return {**made, "document": torch.from_numpy(document)}

    def _model(self):
        return DocumentModel(super()._model())
