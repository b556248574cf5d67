"""The training loop and what it stands on. Names no task and no encoder."""

import quiet_tensorflow

quiet_tensorflow.prepare()
