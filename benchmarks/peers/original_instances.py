"""The original's way from text to instances, stated anew in plain Python: one process, all documents in memory.

  python -m benchmarks.peers.original_instances vocab.txt output.tfrecord dupe_factor input.txt ...

Source: the algorithm of google-research/bert, create_pretraining_data.py. The tests compare distributions with it.
"""

import collections
import dataclasses
import random
import sys
import time

from benchmarks.peers.original_tokenization import Tokenizer


@dataclasses.dataclass
class Instance:
    """Tokens (list of str) with their masks; `positions` and `labels` say which and what they were."""

    tokens: list
    segment_ids: list
    is_random_next: bool
    positions: list = dataclasses.field(default_factory=list)
    labels: list = dataclasses.field(default_factory=list)


def read_documents(paths, tokenize):
    """Documents of sentences of tokens; a blank line ends a document."""
    documents = [[]]
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if not line:
                    documents.append([])
                elif tokens := tokenize(line):
                    documents[-1].append(tokens)
        documents.append([])
    return [document for document in documents if document]


def make_instances(
    documents,
    vocabulary,
    rng,
    max_seq_length=128,
    dupe_factor=10,
    short_seq_prob=0.1,
    masked_lm_prob=0.15,
    max_predictions_per_seq=20,
    do_whole_word_mask=False,
):
    """The instances of documents, list of Instance in random order; `rng`: a random.Random."""
    documents = list(documents)
    rng.shuffle(documents)
    instances = []
    for _ in range(dupe_factor):
        for number in range(len(documents)):
            for instance in pairs_of_document(documents, number, max_seq_length - 3, short_seq_prob, rng):
                hide_tokens(instance, masked_lm_prob, max_predictions_per_seq, vocabulary, do_whole_word_mask, rng)
                instances.append(instance)
    rng.shuffle(instances)
    return instances


def pairs_of_document(documents, number, max_num_tokens, short_seq_prob, rng):
    """Yields the instances of one document, unmasked."""
    document = documents[number]
    wanted = rng.randint(2, max_num_tokens) if rng.random() < short_seq_prob else max_num_tokens
    chunk, length, i = [], 0, 0
    while i < len(document):
        chunk.append(document[i])
        length += len(document[i])
        if i == len(document) - 1 or length >= wanted:
            a_end = rng.randint(1, len(chunk) - 1) if len(chunk) >= 2 else 1
            a = [token for sentence in chunk[:a_end] for token in sentence]
            is_random_next = len(chunk) == 1 or rng.random() < 0.5
            if is_random_next:
                b = random_sentences(documents, number, wanted - len(a), rng)
                i -= len(chunk) - a_end  # what was not used begins the next chunk
            else:
                b = [token for sentence in chunk[a_end:] for token in sentence]
            shorten(a, b, max_num_tokens, rng)
            tokens = ["[CLS]", *a, "[SEP]", *b, "[SEP]"]
            yield Instance(tokens, [0] * (len(a) + 2) + [1] * (len(b) + 1), is_random_next)
            chunk, length = [], 0
        i += 1


def random_sentences(documents, number, length, rng):
    """Tokens from a random place of another document on, until there are `length` or it ends."""
    for _ in range(10):
        other = rng.randint(0, len(documents) - 1)
        if other != number:
            break
    tokens = []
    for sentence in documents[other][rng.randint(0, len(documents[other]) - 1) :]:
        tokens.extend(sentence)
        if len(tokens) >= length:
            break
    return tokens


def shorten(a, b, max_num_tokens, rng):
    """Takes tokens from the longer one, at either end, until both fit."""
    while len(a) + len(b) > max_num_tokens:
        longer = a if len(a) > len(b) else b
        if rng.random() < 0.5:
            del longer[0]
        else:
            longer.pop()


def hide_tokens(instance, masked_lm_prob, max_predictions_per_seq, vocabulary, do_whole_word_mask, rng):
    """Masks tokens of an instance, in place."""
    tokens, words = instance.tokens, []
    for i, token in enumerate(tokens):
        if token in ("[CLS]", "[SEP]"):
            continue
        if do_whole_word_mask and words and token.startswith("##"):
            words[-1].append(i)
        else:
            words.append([i])
    rng.shuffle(words)
    wanted = min(max_predictions_per_seq, max(1, int(round(len(tokens) * masked_lm_prob))))
    hidden = list(tokens)
    for word in words:
        if len(instance.positions) >= wanted:
            break
        if len(instance.positions) + len(word) > wanted:
            continue
        for i in word:
            if rng.random() < 0.8:
                hidden[i] = "[MASK]"
            elif rng.random() >= 0.5:
                hidden[i] = vocabulary[rng.randint(0, len(vocabulary) - 1)]
            instance.positions.append(i)
    instance.positions.sort()
    instance.labels = [tokens[i] for i in instance.positions]
    instance.tokens = hidden


def write(instances, vocab, path, max_seq_length=128, max_predictions_per_seq=20):
    """Writes padded records."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(path) as writer:
        for instance in instances:
            features = collections.OrderedDict()
            ids = [vocab[token] for token in instance.tokens]
            mask = [1] * len(ids)
            for name, values in (("input_ids", ids), ("input_mask", mask), ("segment_ids", instance.segment_ids)):
                features[name] = _integers(tf, values + [0] * (max_seq_length - len(values)))
            missing = [0] * (max_predictions_per_seq - len(instance.positions))
            labels = [vocab[token] for token in instance.labels]
            features["masked_lm_positions"] = _integers(tf, instance.positions + missing)
            features["masked_lm_ids"] = _integers(tf, labels + missing)
            weights = [1.0] * len(labels) + [0.0] * len(missing)
            features["masked_lm_weights"] = tf.train.Feature(float_list=tf.train.FloatList(value=weights))
            features["next_sentence_labels"] = _integers(tf, [int(instance.is_random_next)])
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def _integers(tf, values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def main(vocab_file, output_file, dupe_factor, *input_files):
    import tensorflow  # noqa: F401  not counted

    with open(vocab_file, encoding="utf-8") as file:
        vocab = collections.OrderedDict((line.strip(), i) for i, line in enumerate(file))
    rng, tokenizer = random.Random(12345), Tokenizer(vocab)
    started, worked = time.perf_counter(), time.process_time()
    documents = read_documents(input_files, tokenizer.tokenize)
    instances = make_instances(documents, list(vocab), rng, dupe_factor=int(dupe_factor))
    write(instances, vocab, output_file)
    print(len(instances), time.perf_counter() - started, time.process_time() - worked)


if __name__ == "__main__":
    main(*sys.argv[1:])
