"""Records of pre-training instances: known by their manifest, or looked into where another program wrote them."""

import dataclasses
import os

from bertline import options, registry
from bertline.errors import InputError
from bertline.processors.corpora.making.shard_files import absolute
from bertline.processors.files import paths
from bertline.processors.records import manifests
from bertline.processors.records.record_checks import Rules, check_records, look_through, read_example
from bertline.processors.records.record_files import RecordSet

# What a manifest of ours has beside its files, whatever the kind of its records: types of the values.
_FIELDS = {
    "num_instances": int,
    "max_length": int,
    "tokenizer": (str, None),
    "vocab_file": (str, None),
    "do_lower_case": (bool, None),
    "instances": str,
}
# Of each file, for the key by which a run knows its data again: more would not tell sets apart any better.
RECORDS_HASHED = 100


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What create_pretraining_data.py says of its output; None where nothing is known.

    Attributes:
      sizes: `absolute` file name -> bytes. num_instances: int, of these files. max_length: int.
      tokenizer: fingerprint. vocab_file: where the vocabulary was. do_lower_case: bool.
      instances: str, registered name of the kind of corpus data.
      parts: list of dict, all that each of the manifests says.
      is_whole: whether the files are all that these name.
    """

    sizes: dict = dataclasses.field(default_factory=dict)
    num_instances: int = 0
    max_length: int = 0
    tokenizer: str | None = None
    vocab_file: str | None = None
    do_lower_case: bool | None = None
    instances: str | None = None
    parts: list = dataclasses.field(default_factory=list)
    is_whole: bool = False

    def entry(self, name, default):
        """One of the entries that the kind of records has, of the first manifest."""
        return self.parts[0][name] if self.parts else default

    def counts(self, group, name, default):
        """Of each manifest a whole number of one of its groups, which earlier versions did not write; list of int."""
        groups = [values.get(group) for values in self.parts]
        found = [of.get(name) if isinstance(of, dict) else None for of in groups]
        return [count if type(count) is int else default for count in found]

    def present_vocab_file(self):
        """The vocabulary's file where it is known and still there, else None."""
        return self.vocab_file if self.vocab_file and os.path.exists(self.vocab_file) else None


def find_files(pattern):
    """Files of comma-separated names and patterns, sorted. Raises InputError where one has none, or is a folder."""
    if not pattern:
        raise InputError("--input_file is needed: records of create_pretraining_data.py")
    found = paths.find_files(
        pattern,
        "*.tfrecord*",
        leave_out=manifests.BOOKKEEPING,
        fix="correct the path, or make the file by create_pretraining_data.py",
    )
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
        for key in _find_differences(values, first):
            raise InputError(f"{name}: {key} is {values[key]}, in {first_name} {first[key]}; train on one of them")
    return Manifest(
        sizes,
        count,
        max(values["max_length"] for values in parts.values()),
        *(first[key] for key in ("tokenizer", "vocab_file", "do_lower_case", "instances")),
        list(parts.values()),
        len(sizes) == sum(len(values["files"]) for values in parts.values()),
    )


def _find_differences(values, first):
    """Yields the entries in which two manifests must agree and do not."""
    kind, other = (registry.get("corpus", one["instances"]) for one in (values, first))
    mixed = kind.can_be_mixed and other.can_be_mixed and kind.form == other.form
    keys = ("tokenizer", *(() if mixed else ("instances",)), *kind.must_agree)
    yield from (key for key in keys if values[key] != first[key])


def find_records(pattern, corpus, max_seq_length, given):
    """The reader of the records in some files, by the kind that made them.

    Args:
      pattern: names and glob patterns, comma-separated.
      corpus: registered name of a kind of corpus data: what is learned from; also that of records which do not say it.
      max_seq_length: longest sequence allowed, in tokens.
      given: name -> value of settings; the kind takes those of its own.

    Returns:
      A `bertline.processors.corpora.reader.CorpusReader`.

    Raises:
      InputError: no such file, files that do not belong together, or records of another form.
    """
    files = find_files(pattern)
    manifest = read_manifest(files)
    kind, wanted = registry.get("corpus", manifest.instances or corpus), registry.get("corpus", corpus)
    if kind.form != wanted.form:
        fitting = [name for name, form in registry.literals("corpus", "form").items() if form == wanted.form]
        raise InputError(
            f"{files[0]}: made by --instances={manifest.instances}; this objective learns from records of "
            f"--instances={', '.join(fitting)}"
        )
    return kind.reader(files, manifest, max_seq_length, **options.values_for(kind, given, attribute="reading_options"))


def _manifests_beside(files):
    """`absolute` name of a record file -> (its manifest's name, contents), for the manifests that name these files."""
    known, wanted = {}, set(map(absolute, files))
    for path in manifests.manifests_beside(wanted):
        folder = os.path.dirname(path)
        if {os.path.join(folder, name) for name in manifests.read(path)["files"]} & wanted:
            values = manifests.read(path, _FIELDS)
            values = manifests.read(path, _FIELDS | _kind_of(path, values).entries)
            known |= {os.path.join(folder, name): (path, values) for name in values["files"]}
    return known


def _kind_of(path, values):
    try:
        return registry.get("corpus", values["instances"])
    except InputError as error:
        raise InputError(f"{path}: {error}; --plugin names the file of one of your own") from None


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
    for record in check_records(path):
        return bool(read_example(record, {}, f"{path}, record 1").get(name))
    raise InputError(f"{path}: no record; make it anew")


def existing_instances(files, manifest, spec, limits):
    """A RecordSet of these files.

    Args:
      files: of `find_files`. manifest: of `read_manifest`.
      spec: name -> Feature.
      limits: name -> (what sets the limit, the number that values must be below), see `record_checks.Rules`.

    Raises:
      InputError: no record, another number of them than the manifest says, or what `look_through` finds.
    """
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
