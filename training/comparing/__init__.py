"""Run folders side by side: settings, scores, curves, and whether a difference is more than chance."""
