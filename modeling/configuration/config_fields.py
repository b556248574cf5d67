"""What the entries of a configuration file mean here that BERT's layers do not read themselves.

A file has many entries beside sizes and rates. Each one that is known is in one of these tables, so that none that
changes the numbers is passed over. The rest is said.

Source: `BertConfig` and `PreTrainedConfig` of transformers, versions 2 to 5; the bert_config.json of the original's
releases.
"""

import logging

from bertline.common import json_files
from bertline.errors import InputError

# entry -> (values that are BERT as it is built here, what any other value means).
ONLY = {
    "is_decoder": ((False, None), "a decoder: each token sees only those before it (a causal mask)"),
    "add_cross_attention": ((False, None), "layers that also look at the states of another encoder"),
    "is_encoder_decoder": ((False, None), "an encoder with a decoder"),
    "position_embedding_type": (
        ("absolute", None),
        "positions that are not added to the words but enter the attention",
    ),
    "pruned_heads": (({}, [], None), "attention heads that were cut off"),
    "per_layer_config": (({}, None), "layers that differ from each other"),
    "quantization_config": (({}, None), "weights packed into fewer bits; save the model anew without quantization"),
    "auto_map": (({}, None), "a model that computes by Python code of its own"),
    "directionality": (("bidi", None), "an encoder that reads in one direction"),
    "pooler_type": (("first_token_transform", None), "another pooler than that of the first token"),
}

# entry -> who reads it.
OF_HEADS = {
    "architectures": "which head the weights have",
    "id2label": "names of a classifier's outputs",
    "label2id": "the same the other way round",
    "num_labels": "a classifier's width, which its weights have",
    "_num_labels": "the same in old files",
    "problem_type": "what a classifier's outputs are",
    "tie_word_embeddings": "whether the masked LM's output embeddings are the words' own",
    "sentence_transformers": "what a CrossEncoder does with its score",
    "objective": "of our own files: the objective, where transformers has no class for it",
    "label_thresholds": "of our own files: the probability from which on a row has each of several labels",
    "tasks": "of our own files: the labels of each of several tasks",
    "answer_rules": "of our own files: how answers are chosen among the logits of a text",
    "question_windows": "of our own files: how a question and its text are cut into windows",
    "document_windows": "of our own files: how documents are cut into windows, and their vectors become one",
    "text_truncation": "of our own files: what remains of texts that are too long",
    "num_candidates": "of our own files: how many candidates of a query are a row",
    "split_words": "of our own files: how a tagger's raw texts become words",
    "global_step": "of the run that wrote the weights; for eval_results.txt",
}

# entry -> why no number depends on it.
NO_EFFECT = {
    "model_type": "names the encoder, and has done so",
    "embedding_size": "the same as hidden_size, else it is refused",
    "pad_token_id": "padding is masked, so that its embedding is never seen; the tokenizer has its id",
    "use_cache": "of decoders",
    "bos_token_id": "of decoders",
    "eos_token_id": "of decoders",
    "sep_token_id": "of decoders",
    "decoder_start_token_id": "of decoders",
    "cross_attention_hidden_size": "of cross-attention, which is refused",
    "tie_encoder_decoder": "of an encoder with a decoder, which is refused",
    "chunk_size_feed_forward": "the same sums in several parts, to need less memory",
    "gradient_checkpointing": "the same gradients in less memory; here --rematerialize",
    "dtype": "of the weights, whose file says it too; --dtype is that of the computation",
    "torch_dtype": "the same in old files",
    "use_bfloat16": "of TPUs; here --dtype",
    "output_hidden_states": "what a Python call returns",
    "output_attentions": "what a Python call returns",
    "output_past": "what a Python call returns",
    "return_dict": "what a Python call returns",
    "use_return_dict": "what a Python call returns",
    "return_dict_in_generate": "what a Python call returns",
    "output_scores": "what a Python call returns",
    "torchscript": "a form of export",
    "attn_implementation": "the same attention by another kernel",
    "_attn_implementation": "the same attention by another kernel",
    "_attn_implementation_autoset": "the same attention by another kernel",
    "tf_legacy_loss": "of a loss in TensorFlow that is not used here",
    "transformers_version": "of the program that wrote the file",
    "_name_or_path": "where the model came from",
    "_commit_hash": "where the model came from",
    "finetuning_task": "where the model came from",
    "tokenizer_class": "read with the tokenizer's files",
    "prefix": "of text generation",
    "task_specific_params": "of text generation",
    "is_composition": "of configurations that hold others",
    "pooler_fc_size": "the original reads none of these: its pooler has hidden_size",
    "pooler_num_attention_heads": "as pooler_fc_size",
    "pooler_num_fc_layers": "as pooler_fc_size",
    "pooler_size_per_head": "as pooler_fc_size",
    **dict.fromkeys(
        (
            "max_length",
            "min_length",
            "do_sample",
            "early_stopping",
            "num_beams",
            "temperature",
            "top_k",
            "top_p",
            "typical_p",
            "repetition_penalty",
            "length_penalty",
            "no_repeat_ngram_size",
            "encoder_no_repeat_ngram_size",
            "bad_words_ids",
            "num_return_sequences",
            "forced_bos_token_id",
            "forced_eos_token_id",
            "remove_invalid_values",
            "exponential_decay_length_penalty",
            "suppress_tokens",
            "begin_suppress_tokens",
            "epsilon_cutoff",
            "eta_cutoff",
            "encoder_repetition_penalty",
            "num_assistant_tokens",
            "num_assistant_tokens_schedule",
            "assistant_confidence_threshold",
            "assistant_lookbehind",
            "target_lookbehind",
            "num_beam_groups",
            "diversity_penalty",
        ),
        "of text generation",
    ),
}

_said = set()


def is_known(name):
    """Whether the entry is in one of the tables."""
    return name in ONLY or name in OF_HEADS or name in NO_EFFECT


def check(values):
    """Raises InputError for an entry of ONLY with another value.

    Args:
      values: entry -> value, of a configuration file.
    """
    name = _first_other(values, ONLY)
    if name:
        raise InputError(
            f"{other(values, ONLY)}, which is not built here; {json_files.excerpt(ONLY[name][0][0])} is; where the "
            f"weights are of an ordinary BERT all the same, take {name} out and give that file by --bert_config_file"
        )
    width = values.get("embedding_size", values.get("hidden_size"))
    if width != values.get("hidden_size"):
        raise InputError(
            f"embedding_size is {json_files.excerpt(width)}, "
            f"hidden_size {json_files.excerpt(values.get('hidden_size'))}: "
            "words of another width than the states, as in ELECTRA and ALBERT, are not built here"
        )


def other(values, only):
    """What the first entry means that has another value than those of a table as ONLY, in words; None where none has.

    Args:
      values: entry -> value. only: entry -> (values that are known, what any other one means).
    """
    name = _first_other(values, only)
    return name and f"{name} is {json_files.excerpt(values[name])}: {only[name][1]}"


def _first_other(values, only):
    for name, (allowed, _) in only.items():
        # `in` would take 0 for False.
        if name in values and not any(type(values[name]) is type(one) and values[name] == one for one in allowed):
            return name
    return None


def say_unknown(names):
    """Warns, once in a process, of entries that are in no table."""
    new = sorted(set(names) - _said)
    _said.update(new)
    if new:
        logging.warning(
            "configuration: %s %s not known here and not read; does the model compute anything by %s?",
            ", ".join(new),
            "is" if len(new) == 1 else "are",
            "it" if len(new) == 1 else "them",
        )
