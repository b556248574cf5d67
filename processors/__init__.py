"""Raw text to features: processors, tokenization, layouts, TFRecords. Nothing here imports keras."""
