"""One encoder and a head for each of several tasks.

Source: Liu et al. 2019 (MT-DNN), https://arxiv.org/abs/1901.11504, section 3 and algorithm 1: each step learns from a
batch of one task, and moves the shared layers and that task's own.
"""

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration import task_heads
from bertline.modeling.configuration.head_fields import OBJECTIVE
from bertline.modeling.objective import Objective


@registry.register("objective", "multi_task")
class MultiTask(Objective):
    """Steps and evaluations are those of one task: `of_stream(name)` is the Objective that has its head.

    A head's weights have the task before their names: "rte/output_weights", and "rte.classifier.weight" in a folder of
    `transformers`, which loads the encoder of such a folder.

    Args:
      encoder: an Encoder.
      heads: name of a task -> Objective over the same encoder.

    Raises:
      InputError: the name of a task begins names of the encoder's weights.
    """

    def __init__(self, encoder, heads, **kwargs):
        super().__init__(encoder, name="multi_task", **kwargs)
        taken = {name.split("/")[0] for name in self.encoder.named_weights()} & set(heads)
        if taken:
            raise InputError(
                f"the task {min(taken)!r}: names of the encoder's weights begin so; give the task another name"
            )
        self.heads = heads

    @classmethod
    def from_saved(cls, encoder, config, shapes):
        heads = {}
        for task in task_heads.tasks_of(config):
            own = task_heads.config_of(config, task)
            head_class = registry.get("objective", own[OBJECTIVE]["name"])
            heads[task] = head_class.from_saved(encoder, own, task_heads.names_of(shapes, task, "/"))
        return cls(encoder, heads)

    @property
    def reads_pooled_output(self):
        return any(head.reads_pooled_output for head in self.heads.values())

    @property
    def relates_rows(self):
        return any(head.relates_rows for head in self.heads.values())

    def of_stream(self, name):
        return self.heads[name]

    def saved_entries(self):
        return {OBJECTIVE: {"name": self.owner, "heads": {task: _said(head) for task, head in self.heads.items()}}}

    def named_weights(self):
        encoder = self.encoder.named_weights()
        return {**encoder, **{f"{task}/{name}": weight for task, name, weight in self._head_weights(encoder)}}

    def huggingface_names(self):
        found = self.encoder.huggingface_names()
        names = {task: head.huggingface_names() for task, head in self.heads.items()}
        for task, name, _ in self._head_weights(self.encoder.named_weights()):
            there, turned = names[task][name]
            found[f"{task}/{name}"] = f"{task}.{there}", turned
        return found

    def _head_weights(self, encoder):
        """(task, name, variable) of each head's own weights."""
        for task, head in self.heads.items():
            yield from ((task, name, v) for name, v in head.named_weights().items() if name not in encoder)


def _said(head):
    return {"name": head.owner, "options": head.saved_options()}
