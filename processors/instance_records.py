"""Records of pre-training instances: known by their manifest, or looked into where another program wrote them."""

import dataclasses
import os

import registry
from errors import InputError
from processors import manifests, paths
from processors.record_checks import Rules, checked_records, id_limits, look_through, read_example
from processors.records import RecordSet
from processors.shard_files import absolute

# What a manifest of ours has beside its files: types of the values.
_FIELDS = {
    "num_instances": int, "max_length": int, "tokenizer": (str, None), "vocab_file": (str, None),
    "do_lower_case": (bool, None), "max_predictions_per_seq": int, "masking": str, "masked_lm_prob": float,
    "dynamic_masking": bool, "instances": str,
}  # fmt: skip
_CARRIED = (
    "tokenizer", "vocab_file", "do_lower_case", "max_predictions_per_seq", "masking", "masked_lm_prob", "instances",
)  # fmt: skip
# Of each file, for the key by which a run knows its data again: more would not tell sets apart any better.
RECORDS_HASHED = 100


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What create_pretraining_data.py says of its output; None and "" where nothing is known.

    Attributes:
      sizes: `absolute` file name -> bytes. num_instances: int, of these files. max_length: int.
      tokenizer: fingerprint. vocab_file: where the vocabulary was. do_lower_case: bool.
      max_predictions_per_seq: int. masking: str. masked_lm_prob: float. dynamic_masking: bool.
      max_ngram: int.
      instances: str, the way in which they were made.
      hard_negatives: int, instances that have one; None too where only some of a call's shards are read, and any has.
    """

    sizes: dict = dataclasses.field(default_factory=dict)
    num_instances: int = 0
    max_length: int = 0
    tokenizer: str | None = None
    vocab_file: str | None = None
    do_lower_case: bool | None = None
    max_predictions_per_seq: int | None = None
    masking: str = "token"
    masked_lm_prob: float = 0.15
    dynamic_masking: bool | None = None
    max_ngram: int = 3
    instances: str | None = None
    hard_negatives: int | None = None

    def present_vocab_file(self):
        """The vocabulary's file where it is known and still there, else None."""
        return self.vocab_file if self.vocab_file and os.path.exists(self.vocab_file) else None


def find_files(pattern):
    """Files of comma-separated names and patterns, sorted. Raises InputError where one has none, or is a folder."""
    if not pattern:
        raise InputError("--input_file is needed: records of create_pretraining_data.py")
    found = paths.find_files(
        pattern, "*.tfrecord*", leave_out=manifests.BOOKKEEPING,
        fix="correct the path, or make the file by create_pretraining_data.py",
    )  # fmt: skip
    return sorted({absolute(path): path for path in found}.values())


def read_manifest(files):
    """The manifest of these files, together where they are the outputs of several calls.

    They may be some of a call's shards. Nothing is known of files that no manifest names, as those of the original.

    Raises:
      InputError: a file is not as long as its manifest says; a manifest is damaged, or of a run that did not end; two
        of them disagree; or some files have one and others have none, as the shards that another run left.
    """
    known, places = _manifests_beside(files), [absolute(path) for path in files]
    named, others = ([path for path in places if (path in known) is has] for has in (True, False))
    if not named:
        return Manifest()
    if others:
        raise InputError(
            f"{others[0]}: in no manifest, as {named[0]} is in {known[named[0]][0]}; "
            "are they of one run? name only those that belong together"
        )
    sizes, parts, count = {}, {}, 0
    for path, found in paths.file_sizes(places).items():
        name, values = known[path]
        if values.get("unfinished"):
            raise InputError(f"{path}: {name} is of a run that was killed; give its command once more")
        shards = list(values["files"])
        sizes[path], parts[name] = values["files"][os.path.basename(path)], values
        if found != sizes[path]:
            raise InputError(f"{path}: {found} bytes, {name} says {sizes[path]}; truncated or replaced: make it anew")
        count += len(range(shards.index(os.path.basename(path)), values["num_instances"], len(shards)))
    first_name, first = next(iter(parts.items()))
    for name, values in parts.items():
        for key in ("tokenizer", "max_predictions_per_seq", "dynamic_masking", "masking", "instances"):
            if values[key] != first[key] and not (key == "instances" and _learned(values) == _learned(first)):
                raise InputError(f"{name}: {key} is {values[key]}, in {first_name} {first[key]}; train on one of them")
    negatives = sum(_count_in(values, "statistics", "hard_negatives", 0) for values in parts.values())
    are_all = len(sizes) == sum(len(values["files"]) for values in parts.values())
    return Manifest(
        sizes,
        count,
        max(values["max_length"] for values in parts.values()),
        **{key: first[key] for key in _CARRIED},
        dynamic_masking=first["dynamic_masking"],
        max_ngram=_count_in(first, "settings", "max_ngram", Manifest.max_ngram),
        hard_negatives=negatives if are_all or not negatives else None,
    )


def _count_in(values, group, name, default):
    """A whole number of one of a manifest's groups, which earlier versions did not write."""
    found = values.get(group)
    found = found.get(name) if isinstance(found, dict) else None
    return found if type(found) is int else default


def _learned(values):
    """What labels mean: texts and their responses are the same, whatever they were found in."""
    return getattr(registry.get("instances", values["instances"]), "objective", values["instances"])


def _manifests_beside(files):
    """`absolute` name of a record file -> (its manifest's name, contents), for the manifests that name these files."""
    known, wanted = {}, set(map(absolute, files))
    for path in manifests.beside(wanted):
        folder = os.path.dirname(path)
        if {os.path.join(folder, name) for name in manifests.read(path)["files"]} & wanted:
            values = manifests.read(path, _FIELDS)
            known |= {os.path.join(folder, name): (path, values) for name in values["files"]}
    return known


def check_vocabulary(files, manifest, tokenizer):
    """Raises InputError where the records are known to be of another vocabulary or casing than the tokenizer's."""
    if tokenizer and manifest.tokenizer and tokenizer.fingerprint() != manifest.tokenizer:
        raise InputError(
            f"{files[0]}: made with {manifest.vocab_file}, do_lower_case {manifest.do_lower_case}, not with the "
            f"vocabulary and casing of {tokenizer.vocab_file}; use the same ones"
        )


def check_length(record_set, max_seq_length):
    """Raises InputError where an instance is longer."""
    if record_set.max_length > max_seq_length:
        raise InputError(
            f"{record_set.files[0]}: instances of {record_set.max_length} tokens, --max_seq_length={max_seq_length}; "
            "raise it"
        )


def has_feature(path, name):
    """Whether the first record of a file has the feature. Raises InputError where there is no record."""
    for record in checked_records(path):
        return bool(read_example(record, {}, f"{path}, record 1").get(name))
    raise InputError(f"{path}: no record; make it anew")


def existing_instances(files, manifest, spec, config):
    """A RecordSet of these files.

    Args:
      files: of `find_files`. manifest: of `read_manifest`.
      spec: name -> Feature.
      config: the encoder's, whose tables every id must be in.

    Raises:
      InputError: no record, another number of them than the manifest says, or what `look_through` finds.
    """
    limits = {
        **id_limits(spec, config),
        "masked_lm_ids": id_limits({"input_ids": None}, config)["input_ids"],
        "masked_lm_positions": ("the model's max_position_embeddings", config.max_length),
        "next_sentence_labels": ("the number of answers", 2),
    }
    found = look_through(files, Rules(spec, limits), RECORDS_HASHED)
    if not found.num_examples:
        raise InputError(f"{files[0]}: no record in {len(files)} file(s); at least one is needed")
    if manifest.sizes and found.num_examples != manifest.num_instances:
        raise InputError(
            f"{files[0]}: {found.num_examples} records in {len(files)} file(s), their manifest says "
            f"{manifest.num_instances}; make them anew"
        )
    longest = max(found.max_length, manifest.max_length)
    return RecordSet(files, spec, found.num_examples, longest, found.digest, numbered=False, interleaved=True)
