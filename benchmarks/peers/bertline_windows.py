"""Bertline's documents by windows, as run_classifier.py --windows=mean drives it."""

from benchmarks.peers.bertline import Bertline
from bertline.modeling.windows_encoder import WindowsEncoder


class Windows(Bertline):
    """See benchmarks.peers."""

    def _reader(self, encoder):
        return WindowsEncoder(encoder, "mean")
