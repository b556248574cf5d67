"""Ways to make pre-training instances from documents, one file each; `--instances` names them."""
