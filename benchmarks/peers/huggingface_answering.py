"""transformers on torch, as its run_qa.py works: windows of the fast tokenizer, the model, answers of the logits."""

import numpy as np
import torch
import transformers

from benchmarks.peers import LEARNING_RATE, MAX_GRAD_NORM, answering, gigaflops
from benchmarks.peers.huggingface import autocast, parameter_groups

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

NAMES = {
    "input_ids": "input_ids",
    "input_mask": "attention_mask",
    "segment_ids": "token_type_ids",
    "start_positions": "start_positions",
    "end_positions": "end_positions",
}


def tensors(batch):
    """A batch of arrays under transformers' names, as int64."""
    return {NAMES[name]: torch.from_numpy(array).long() for name, array in batch.items() if name in NAMES}


class Answering:
    """See benchmarks.peers.bertline_answering, which has the same methods."""

    def __init__(self, given, model):
        self._given, self._folder, self._made = given, model, {}
        self._questions = answering.read(given)
        batches = answering.read_batches(given)
        self._batches = list(map(tensors, batches))
        self._window = tensors(answering.one_window(batches[0]))
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(model)

    def windows(self):
        return sum(len(batch["input_ids"]) for batch in self._batches)

    def windows_of_questions(self):
        return np.bincount(self._windows()[1], minlength=len(self._questions)).tolist()

    def first_loss(self, dtype):
        model = self._parts(dtype)[0].eval()
        with torch.inference_mode(), autocast(dtype):
            return float(model(**self._window).loss)

    def train(self, dtype, steps):
        _, model, optimizer = self._parts(dtype)
        model.train()
        count = 0
        for i in range(steps):
            batch = self._batches[i % len(self._batches)]
            with autocast(dtype):
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            optimizer.zero_grad()
            count += len(batch["input_ids"])
        return count

    def predict(self, dtype):
        windows, owners = self._windows()
        model, size, logits = self._parts(dtype)[0].eval(), self._given["batch_size"], []
        with torch.inference_mode(), autocast(dtype):
            for start in range(0, len(owners), size):
                part = {name: windows[name][start : start + size] for name in self._tokenizer.model_input_names}
                outputs = model(**self._tokenizer.pad(part, return_tensors="pt"))
                pairs = zip(outputs.start_logits.float().numpy(), outputs.end_logits.float().numpy())
                logits += list(pairs)
        return self._answers(windows, owners, logits)

    def matmul(self, dtype, size):
        a, b = (torch.randn(size, size, dtype=getattr(torch, dtype)) for _ in range(2))
        with torch.inference_mode():
            return gigaflops(lambda: a @ b, size)

    def _windows(self):
        """(what run_qa.py's prepare_validation_features makes, the number of the question of each window)."""
        # Its stride is the overlap, the same for all questions: that of a question of ten pieces here.
        overlap = self._given["max_seq_length"] - 13 - self._given["doc_stride"]
        windows = self._tokenizer(
            [one.question for one in self._questions],
            [one.context for one in self._questions],
            truncation="only_second",
            max_length=self._given["max_seq_length"],
            stride=overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        owners = windows.pop("overflow_to_sample_mapping")
        for i in range(len(owners)):
            kinds = windows.sequence_ids(i)
            windows["offset_mapping"][i] = [
                offset if kind == 1 else None for offset, kind in zip(windows["offset_mapping"][i], kinds)
            ]
        return windows, owners

    def _answers(self, windows, owners, logits):
        """utils_qa.py:postprocess_qa_predictions, stated again: the best text of each question."""
        found = [[] for _ in self._questions]
        for i, (owner, (starts, ends)) in enumerate(zip(owners, logits)):
            offsets = windows["offset_mapping"][i]
            # run_qa.py lets padding be among the best starts and ends, where an untrained head likes it.
            starts, ends = starts[: len(offsets)], ends[: len(offsets)]
            start_indexes = np.argsort(starts)[-1 : -answering.N_BEST - 1 : -1].tolist()
            end_indexes = np.argsort(ends)[-1 : -answering.N_BEST - 1 : -1].tolist()
            for start in start_indexes:
                for end in end_indexes:
                    if start >= len(offsets) or end >= len(offsets) or not offsets[start] or not offsets[end]:
                        continue
                    if end < start or end - start + 1 > answering.MAX_ANSWER_LENGTH:
                        continue
                    place = offsets[start][0], offsets[end][1]
                    found[owner].append((float(starts[start] + ends[end]), place, starts[start], ends[end]))
        texts = []
        for question, candidates in zip(self._questions, found):
            candidates = sorted(candidates, key=lambda one: one[0], reverse=True)[: answering.N_BEST]
            scores = np.array([one[0] for one in candidates] or [0.0])
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            texts.append(question.context[slice(*candidates[0][1])] if candidates else "")
        return texts

    def _parts(self, dtype):
        """(model to predict with, model to train, its optimizer)."""
        if dtype not in self._made:
            predicting, trained = self._model(), self._model()
            optimizer = torch.optim.AdamW(parameter_groups(trained), lr=LEARNING_RATE, fused=True)
            self._made[dtype] = predicting, trained, optimizer
        return self._made[dtype]

    def _model(self):
        model = transformers.BertForQuestionAnswering.from_pretrained(self._folder, dtype=torch.float32)
        with torch.no_grad():
            model.qa_outputs.weight.copy_(torch.from_numpy(answering.head(model.config.hidden_size)))
            model.qa_outputs.bias.zero_()
        return model
