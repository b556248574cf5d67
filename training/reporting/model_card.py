"""model/README.md: what a model was made of and how good it is, as a card of Hugging Face.

Source: https://huggingface.co/docs/hub/model-cards, the entries of its YAML.
"""

import dataclasses
import json
import math
import os
import re
import shlex

from bertline.training.evaluation.result_files import write_lines
from bertline.training.folder.run_folder import model_folder

NAME = "README.md"
SHOWN = 50  # labels


@dataclasses.dataclass(frozen=True)
class Split:
    """Attributes:
    name: "train", "dev" or "test".
    rows: int. cut: rows that were cut to the longest length, None where that is not known.
    source: file of the texts, or of records.
    longest: tokens of the longest row, special ones included; None where that is not known.
    """

    name: str
    rows: int
    cut: int | None
    source: str
    longest: int | None = None


def write(output_dir, settings, objective, tokenizer, splits, scores, label_names=()):
    """Writes the card of the model that a run has saved.

    Args:
      settings: RunSettings of a training script.
      tokenizer: the model's, or None.
      splits: list of Split.
      scores: name of a split -> (metric -> float); {} where nothing is evaluated yet.
      label_names: list of str, in the order of the ids.
    """
    name = os.path.basename(os.path.abspath(output_dir))
    licence = _licence(settings.init_checkpoint)
    unknown = "Not known. Say it here, and as `license:` at the top, before you give the model away."
    lines = [
        "---",
        *_front_matter(name, settings, objective, splits, scores, licence),
        "---",
        f"# {_escape(name)}",
        "",
        _origin(settings, objective),
        "",
        "## Data",
        "",
        *_data(splits),
        "",
        "## Scores",
        "",
        *_scores(scores),
        "",
        "## Command",
        "",
        "```sh",
        command(settings),
        "```",
        "",
        "## Limits",
        "",
        *_limits(settings, tokenizer, splits, label_names),
        "",
        "## Licence",
        "",
        licence or unknown,
    ]
    write_lines(os.path.join(model_folder(output_dir), NAME), lines)


def command(settings):
    """The command line of settings: the flags that differ from their defaults."""
    flags = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value == field.default:
            continue
        if isinstance(value, bool):
            flags.append(f"--{field.name}" if value else f"--no{field.name}")
            continue
        several = value if isinstance(value, tuple) else (value,)
        flags += [f"--{field.name}={shlex.quote(str(one).strip())}" for one in several]
    return " \\\n  ".join([f"python {settings.script}", *flags])


def _front_matter(name, settings, objective, splits, scores, licence):
    """Lines of YAML; strings are written as JSON, which YAML reads."""
    library = "sentence-transformers" if objective.sentence_pooling else "transformers"
    lines = [f"library_name: {library}"]
    if objective.pipeline_tag:
        lines.append(f"pipeline_tag: {objective.pipeline_tag}")
    if licence:
        lines.append(f"license: {licence}")
    lines.append(f"tags: {json.dumps(['bertline', objective.encoder.config.model_type])}")
    task = getattr(settings, "task_name", None) or objective.name
    evaluated = [split for split in splits if scores.get(split.name)]
    if evaluated and objective.pipeline_tag:
        lines += ["model-index:", f"- name: {_quote(name)}", "  results:"]
        for split in evaluated:
            lines += [
                "  - task:",
                f"      type: {objective.pipeline_tag}",
                "    dataset:",
                f"      name: {_quote(f'{task}, {split.name}')}",
                f"      type: {_quote(task)}",
                "    metrics:",
            ]
            for metric, value in scores[split.name].items():
                if math.isfinite(value):
                    lines += [f"    - type: {_quote(metric)}", f"      value: {value:.6g}"]
    return lines


def _quote(text):
    """A JSON string, without the line ends that only YAML knows."""
    escaped = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", escaped)


def _escape(text):
    """Text in a line of Markdown, or in a cell of its tables."""
    return " ".join(re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text).split())


def _origin(settings, objective):
    start = f"from `{settings.init_checkpoint}`" if settings.init_checkpoint else "from random weights"
    config = objective.encoder.config
    return (
        f"A {config.model_type} encoder of {config.num_layers} layers, {config.width} wide, trained by "
        f"Bertline {start} (objective {objective.owner or objective.name})."
    )


def _data(splits):
    rows = [
        f"| {split.name} | {split.rows} | {'unknown' if split.cut is None else split.cut} | {_escape(split.source)} |"
        for split in splits
    ]
    return ["| split | rows | cut to the longest length | from |", "|---|---|---|---|", *rows]


def _scores(scores):
    rows = [f"| {split} | {name} | {value:.4f} |" for split, named in scores.items() for name, value in named.items()]
    return ["| split | | |", "|---|---|---|", *rows] if rows else ["Not evaluated by the command below."]


def _limits(settings, tokenizer, splits, label_names):
    lines = [f"- Texts are cut to {settings.max_seq_length} tokens, special ones included."]
    if getattr(settings, "windows", None):
        lines = [
            f"- Texts are read by at most {settings.max_windows} windows of {settings.max_seq_length} tokens, special "
            "ones included. `transformers` reads the first one alone."
        ]
    if getattr(tokenizer, "do_lower_case", False):
        lines.append("- Upper and lower case are the same to it.")
    if label_names:
        shown = ", ".join(_escape(name) for name in label_names[:SHOWN])
        more = f", ... ({len(label_names)} in all)" if len(label_names) > SHOWN else ""
        lines.append(f"- It knows these labels and no others, whatever the text: {shown}{more}.")
    trained = next((split for split in splits if split.name == "train"), None)
    if trained:
        lines.append(f"- It has learned from the {trained.rows} rows above; texts of another kind may score lower.")
    lines.append("- Whether it treats all groups of people alike has not been examined.")
    return lines


def _licence(init_checkpoint):
    """The licence that the card beside the starting weights names; None where none does."""
    for folder in (init_checkpoint or "", model_folder(init_checkpoint or "")):
        path = os.path.join(folder, NAME)
        if init_checkpoint and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                start = file.read(1 << 16)
            front = re.match(r"---\s*\n(.*?)\n---", start, re.DOTALL)
            found = front and re.search(r"^license:[ \t]*['\"]?([\w.+-]+)['\"]?[ \t]*$", front[1], re.MULTILINE)
            if found:
                return found[1]
    return None
