"""transformers on torch: BertForPreTraining as it comes, and with its head at the masked positions only."""

import torch
import transformers

from benchmarks.peers.huggingface import Transformers

IGNORED = -100  # BertForPreTraining's label of a position that is not predicted


class AllPositions(Transformers):
    """BertForPreTraining computes the logits of every position, and the loss of those that have a label."""

    def _tensors(self, batch):
        """What its data collators give: a label for every position."""
        real = batch["masked_lm_weights"] > 0
        labels = torch.full(batch["input_ids"].shape, IGNORED)
        rows = torch.arange(len(labels))[:, None].expand(real.shape)[torch.from_numpy(real)]
        labels[rows, torch.from_numpy(batch["masked_lm_positions"][real]).long()] = torch.from_numpy(
            batch["masked_lm_ids"][real]
        ).long()
        names = {
            "input_ids": "input_ids",
            "input_mask": "attention_mask",
            "segment_ids": "token_type_ids",
            "next_sentence_labels": "next_sentence_label",
        }
        return {**{theirs: torch.from_numpy(batch[ours]).long() for ours, theirs in names.items()}, "labels": labels}

    def _model(self):
        return transformers.BertForPreTraining.from_pretrained(self._folder, dtype=torch.float32)


class MaskedPositions(AllPositions):
    """The same model and loss, written by hand so that no other logit is computed."""

    def _tensors(self, batch):
        made = super()._tensors(batch)
        labels = made.pop("labels")
        rows, positions = torch.nonzero(labels != IGNORED, as_tuple=True)
        return {**made, "rows": rows, "positions": positions, "masked_labels": labels[rows, positions]}

    def _loss(self, model, batch):
        states = model.bert(*(batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")))
        wanted = states.last_hidden_state[batch["rows"], batch["positions"]]
        cross_entropy = torch.nn.functional.cross_entropy
        logits, order = model.cls.predictions(wanted), model.cls.seq_relationship(states.pooler_output)
        return cross_entropy(logits, batch["masked_labels"]) + cross_entropy(order, batch["next_sentence_label"])
