"""What each entry of the files of sentence-transformers means here.

Source: versions 2 to 6 of the library: `config_keys` of its modules, and what it writes into
config_sentence_transformers.json.
"""

# As in modeling/configuration/config_fields.py: entry -> (values that are the same here, what any other value means).
# A folder with another value gives no sentence vectors by itself.
TEXTS_ALONE = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
_ARGUMENTS = "arguments of the library's own calls"

# sentence_bert_config.json.
TRANSFORMER_ONLY = {
    "transformer_task": (("feature-extraction", None), "what a head gives instead of the states of the tokens"),
    "modality_config": ((TEXTS_ALONE, None), "another input than texts, or another output than the last states"),
    "module_output_name": (("token_embeddings", None), "another output than the states of the tokens"),
    "processing_kwargs": (({}, None), "other arguments of the tokenizer"),
    "tokenizer_name_or_path": ((None,), "a tokenizer that lies elsewhere"),
}
TRANSFORMER_READ = {
    "max_seq_length": "the longest text",
    "do_lower_case": "texts are lower-cased before their tokenizer sees them",
    "processor_kwargs": f"{_ARGUMENTS}: model_max_length is read",
    "tokenizer_args": f"{_ARGUMENTS}, in old files: model_max_length is read",
}
TRANSFORMER_NO_EFFECT = {
    "unpad_inputs": "the same numbers by another kernel",
    "query_length": "of encode_query of other kinds of models",
    "document_length": "of encode_document of other kinds of models",
    "query_expansion": "of encode_query of other kinds of models",
    "model_kwargs": _ARGUMENTS,
    "model_args": _ARGUMENTS,
    "config_kwargs": _ARGUMENTS,
    "config_args": _ARGUMENTS,
}
# Of those arguments, the ones that change no number; the folder's own configuration has all others.
HARMLESS_ARGUMENTS = (
    "add_pooling_layer",
    "attn_implementation",
    "cache_dir",
    "device_map",
    "dtype",
    "file_name",
    "local_files_only",
    "low_cpu_mem_usage",
    "model_max_length",
    "revision",
    "token",
    "torch_dtype",
    "trust_remote_code",
    "use_cache",
    "use_fast",
)
ARGUMENTS = ("model_kwargs", "model_args", "config_kwargs", "config_args", "processor_kwargs", "tokenizer_args")

# 1_Pooling/config.json; the old names of the ways to pool are POOLING_KEYS.
POOLING_READ = {
    "pooling_mode": "how the states of the tokens become one vector",
    "include_prompt": "whether the tokens of a prompt are among them",
}
POOLING_NO_EFFECT = {
    "embedding_dimension": "the width of a state, which the model's configuration has",
    "word_embedding_dimension": "the same in old files",
}

# 2_Normalize/config.json.
NORMALIZE_ONLY = {
    "module_input_name": (("sentence_embedding", None), "other vectors than those of sentences have length 1"),
    "module_output_name": (("sentence_embedding", None), "other vectors than those of sentences have length 1"),
}

# config_sentence_transformers.json.
LIBRARY_ONLY = {"model_type": (("SentenceTransformer", None), "another kind of model")}
LIBRARY_READ = {
    "prompts": "names and texts that may stand before every text",
    "default_prompt_name": "the one that does",
    "truncate_dim": "how many numbers of a vector are kept",
    "activation_fn": "what a CrossEncoder does with its score",
}
LIBRARY_NO_EFFECT = {
    "__version__": "of the programs that wrote the folder",
    "similarity_fn_name": "how vectors are compared by whoever has them; evaluate_vectors.py takes the cosine",
}
