"""A file of texts -> a file of vectors, in bounded memory, by a job that can be killed and goes on."""

import collections
import contextlib
import hashlib
import itertools
import json
import logging
import os
import sys

import numpy as np

from bertline.common.progress import Progress
from bertline.errors import InputError
from bertline.serving.encoder import vector_options, vector_transform
from bertline.serving.encoder.text_encoder import TextEncoder
from bertline.serving.files import vector_files
from bertline.serving.files.part_folder import PartFolder
from bertline.serving.sentence_transformers.sentence_transformers_folder import read_sentence_folder
from bertline.serving.speed import cores
from bertline.serving.texts import input_lines
from bertline.serving.texts.trained_length import trained_length


def extract(run, max_seq_length=None):
    """Writes the vectors of run.input_file to run.output_file.

    Args:
      run: ExtractionSettings.
      max_seq_length: None unless the command line says it.

    Raises:
      InputError: what does not fit together, what cannot be read or written.
    """
    own = read_sentence_folder(run.init_checkpoint).max_seq_length or trained_length(run.init_checkpoint)
    longest = max_seq_length or own or run.max_seq_length
    encoder = TextEncoder(
        run.init_checkpoint,
        max_seq_length=longest,
        window_stride=run.window_stride,
        dtype=run.dtype,
        bert_config_file=run.bert_config_file,
        vocab_file=run.vocab_file,
        do_lower_case=run.do_lower_case,
        batch_tokens=run.batch_size * longest,
        batches_at_once=cores.share_between_batches(),
        carry_state=run.carry_state,
    )
    layers = vector_options.parse_layers_or_all(run.layers)
    options = encoder.options(
        run.unit, run.pooling, layers, run.layer_mix, run.normalize, prompt=run.prompt, prompt_name=run.prompt_name
    )
    logging.info("%s", encoder.report.table())
    job = _Job(run, encoder, options)
    job.to_standard_output() if run.output_file == "-" else job.to_file()


def _check(part):
    """What a PartFolder says of the job so far, None in a new one. Raises InputError for what no job says."""
    done = part.progress
    numbers = done is not None and [done.get(name) for name in ("before", "texts", "cut")]
    if numbers and not (all(type(n) is int and n >= 0 for n in numbers) and isinstance(done.get("digest"), str)):
        raise InputError(f"{part.path}: its state is not that of a job; remove it to start anew")
    return done


class _Job:
    """One input file, one encoder, one kind of vectors."""

    def __init__(self, run, encoder, options):
        self._run, self._encoder, self._options = run, encoder, options
        self._kind = vector_options.output_format(run.output_file, run.output_format)
        self._writer = vector_files.make_writer(run.output_file, self._kind, options, run.output_dtype)
        self._indices = list(options.layers) if options.layer_mix == "none" else [list(options.layers)]
        self._transform = vector_transform.load(run.transform) if run.transform else None
        if self._transform:
            self._transform.check(run.transform, vector_transform.provenance(encoder, options))
        self._texts = input_lines.read_texts(run)
        self._digest, self._pending = hashlib.sha256(), collections.deque()

    def to_file(self):
        path, settings = self._run.output_file, self._settings()
        asked = {**settings, "append": self._run.append, "output_format": self._kind}
        with contextlib.closing(PartFolder(path + ".part", asked, vector_files.NAMES)) as part:
            done = _check(part) or {"before": 0, "texts": 0, "cut": 0, "digest": self._digest.hexdigest()}
            if part.progress is None and self._run.append and os.path.exists(path):
                done["before"] = self._writer.load(part, path, settings)
            self._pass_over(done)
            if not done.get("finished"):
                self._add_the_rest(part, done)
                part.commit({**done, "finished": True})  # killed from here on, it is put in its place again
            if not done.get("placed"):
                self._writer.finish(part, path, settings)
            if not os.path.exists(path):
                raise InputError(f"{path}: was written before and is gone; remove {part.path} to start anew")
            part.commit({**done, "finished": True, "placed": True})  # from here on only the folder is to go
            part.remove()
        self._report(done["texts"], done["cut"])

    def _add_the_rest(self, part, done):
        with self._progress(done["texts"]) as progress:
            for vectors, labels in self._pools(done["texts"]):
                self._writer.add(part, vectors, labels, self._indices, done["before"] + done["texts"])
                done["texts"] += len(vectors.cut)
                done["cut"] += int(vectors.cut.sum())
                done["digest"] = self._digest.hexdigest()
                if not self._run.carry_state:  # else a job that was killed begins anew: its state is not kept
                    part.commit(done)
                progress.show(done["texts"])

    def to_standard_output(self):
        texts = cut = 0
        with self._progress(0) as progress:
            for vectors, labels in self._pools(0):
                sys.stdout.writelines(self._writer.lines(vectors, labels, self._indices, texts))
                sys.stdout.flush()
                texts, cut = texts + len(vectors.cut), cut + int(vectors.cut.sum())
                progress.show(texts)
        self._report(texts, cut)

    def _progress(self, done):
        return Progress("extraction", input_lines.count_texts(self._run), "text", done)

    def _pass_over(self, done):
        """The lines whose vectors are written already."""
        for _, line in itertools.islice(self._texts, done["texts"]):
            self._digest.update(line.encode() + b"\n")
        if self._digest.hexdigest() != done["digest"]:
            wrong = f"its first {done['texts']} lines are not those"
        elif done.get("finished") and next(self._texts, None) is not None:
            wrong = f"it has more than the {done['texts']} lines"
        else:
            wrong = None
        if wrong:
            raise InputError(
                f"{self._run.input_file}: {wrong} that {self._run.output_file}.part was made from; remove that folder "
                "to start anew"
            )
        if done["texts"]:
            logging.info("going on after %d texts", done["texts"])

    def _pools(self, texts):
        """Yields (TextVectors, label of each row) of one pool after the other; `texts` are passed over already."""
        for vectors in self._encoder.stream(self._pending_texts(), self._options):
            lines = [self._pending.popleft() for _ in range(len(vectors.cut))]
            for line in lines:
                self._digest.update(line.encode() + b"\n")
            if self._transform:
                vectors.values = self._transform(vectors.values[:, 0])[:, None]
            vectors.values = self._to_write(vectors, texts)
            texts += len(lines)
            labels = vectors.words if vectors.words is not None else lines
            yield vectors, self._encoder.tokens(vectors.token_ids.tolist()) if self._options.unit == "token" else labels

    def _to_write(self, vectors, texts):
        """The values in the file's dtype. Raises InputError where one is no number."""
        with np.errstate(over="ignore"):
            values = vectors.values.astype(self._run.output_dtype, copy=False)
        finite = np.isfinite(values).all(axis=(1, 2))
        if finite.all():
            return values
        row = finite.argmin()
        line = texts + np.searchsorted(vectors.offsets, row, side="right")  # from 1, as editors count
        if np.isfinite(vectors.values[row]).all():
            reason = "is too large for --output_dtype=float16; --output_dtype=float32 holds it"
        elif self._run.dtype == "float16":
            reason = "is NaN or infinity as computed with --dtype=float16; --dtype=float32 has more range"
        else:
            reason = f"is NaN or infinity; so may be weights of --init_checkpoint={self._run.init_checkpoint}"
        raise InputError(f"{self._run.input_file}:{line}: a number of its vector {reason}")

    def _pending_texts(self):
        for text, line in self._texts:
            self._pending.append(line)
            yield text

    def _settings(self):
        """All that the vectors depend on, as JSON gives it back."""
        settings = {
            "weights": self._encoder.fingerprint(),
            "tokenizer": self._encoder.tokenizer.fingerprint(),
            "max_seq_length": self._encoder.max_seq_length,
            "window_stride": self._run.window_stride,
            "batch_size": self._run.batch_size,
            "dtype": self._run.dtype,
            "output_dtype": self._run.output_dtype,
            **self._options.describe(),
        }
        if self._transform:
            settings["transform"] = self._transform.fingerprint()
        if self._run.carry_state:
            settings["carry_state"] = True
        return json.loads(json.dumps(settings))

    def _report(self, texts, cut):
        logging.info("%d texts -> %s", texts, self._run.output_file)
        if cut:
            stride = self._encoder.max_seq_length // 2
            logging.warning(
                "%d of %d texts have more than --max_seq_length=%d tokens and were truncated; --window_stride=%d reads "
                "all of them but pairs",
                cut,
                texts,
                self._encoder.max_seq_length,
                stride,
            )
