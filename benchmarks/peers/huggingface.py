"""transformers on torch: BertForSequenceClassification, AdamW (fused), bfloat16 by autocast as its Trainer does it."""

import copy

import torch
import transformers

from benchmarks.peers import LEARNING_RATE, MAX_GRAD_NORM, WEIGHT_DECAY, gigaflops

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

NAMES = {
    "input_ids": "input_ids",
    "input_mask": "attention_mask",
    "segment_ids": "token_type_ids",
    "label_ids": "labels",
}


def parameter_groups(model):
    """Weight decay for matrices and tables, none for biases and layer norms."""
    decayed, others = [], []
    for name, parameter in model.named_parameters():
        (others if name.endswith("bias") or "LayerNorm" in name else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]


def autocast(dtype):
    return torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16")


def tensors(batch):
    """A batch of arrays under transformers' names, ids as int64."""
    made = {name: torch.from_numpy(batch[ours]) for ours, name in NAMES.items()}
    return {name: tensor.long() if not tensor.is_floating_point() else tensor for name, tensor in made.items()}


class Transformers:
    """See benchmarks.peers."""

    def __init__(self, batches, model):
        self._batches, self._folder, self._made = batches, model, {}
        self._data = {key: [self._tensors(batch) for batch in made] for key, made in batches.orders.items()}

    def first_loss(self, dtype, order="sorted"):
        model = self._parts(dtype)[0].eval()
        with torch.inference_mode(), autocast(dtype):
            return float(self._loss(model, self._data["train", order][0]))

    def train(self, dtype, order):
        model, optimizer = self._parts(dtype)
        model.train()
        for batch in self._data["train", order]:
            with autocast(dtype):
                loss = self._loss(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            optimizer.zero_grad()
        return float(loss)

    def evaluate(self, dtype, order):
        return self._accuracy(self._parts(dtype)[0], order, autocast(dtype))

    def matmul(self, dtype, size):
        a, b = (torch.randn(size, size, dtype=getattr(torch, dtype)) for _ in range(2))
        with torch.inference_mode():
            return gigaflops(lambda: a @ b, size)

    def _accuracy(self, model, order, context):
        model.eval()
        right = []
        with torch.inference_mode(), context:
            for batch in self._data["eval", order]:
                outputs = model(**batch)
                outputs.loss.item()
                right += (outputs.logits.argmax(dim=1) == batch["labels"]).tolist()
        return sum(right) / len(right)

    def _tensors(self, batch):
        return tensors(batch)

    def _loss(self, model, batch):
        return model(**batch).loss

    def _model(self):
        model = transformers.BertForSequenceClassification.from_pretrained(
            self._folder, num_labels=self._batches.num_labels, dtype=torch.float32
        )
        with torch.no_grad():
            model.classifier.weight.copy_(torch.from_numpy(self._batches.head(model.config.hidden_size)))
            model.classifier.bias.zero_()
        return model

    def _parts(self, dtype):
        """(model, optimizer)."""
        if dtype not in self._made:
            model = self._model()
            self._made[dtype] = model, torch.optim.AdamW(parameter_groups(model), lr=LEARNING_RATE, fused=True)
        return self._made[dtype]


class CastTransformers(Transformers):
    """Evaluation with weights cast to bfloat16 first (the Trainer's bf16_full_eval); no training."""

    def evaluate(self, dtype, order):
        model = copy.deepcopy(self._parts(dtype)[0]).to(getattr(torch, dtype))
        return self._accuracy(model, order, autocast("float32"))
