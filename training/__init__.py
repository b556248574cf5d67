"""The training loop and what it stands on. Names no task and no encoder."""

from bertline.common import quiet_tensorflow

quiet_tensorflow.prepare()
