"""The files of predictions of single texts and pairs: the original's, and one that says what belongs to what."""


def prediction_tables(probabilities, labels, examples=None):
    """File name -> lines: test_results.tsv as in the original, and predictions.tsv.

    Args:
      probabilities: float array [n, num_labels]; scores [n, 1].
      labels: a processors.labels.Labels.
      examples: the InputExamples, None where only records are there.
    """
    columns = [f"probability_{name}" for name in labels.names] or ["score"]

    def rows():
        yield "\t".join(["guid", "label", *columns, "text_a", "text_b"])
        for i, row in enumerate(probabilities):
            example = examples[i] if examples else None
            texts = (example.text_a, example.text_b or "") if example else ("", "")
            numbers = [f"{value:.6g}" for value in row]
            cells = [example.guid if example else f"row-{i + 1}", labels.decode(row), *numbers, *texts]
            yield "\t".join(" ".join(str(cell).split()) for cell in cells)

    return {
        "test_results.tsv": ("\t".join(str(value) for value in row) for row in probabilities),
        "predictions.tsv": rows(),
    }
