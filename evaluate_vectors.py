"""How good are the vectors of an encoder? Pairs with a score: correlation of the cosine. Classes: logistic regression.

python evaluate_vectors.py --init_checkpoint=models/minilm --tasks=sts-b=glue/STS-B,trec=data/trec,my_reviews.tsv
python evaluate_vectors.py --init_checkpoint=first,second --tasks=mrpc,sts-b --data_root=glue --output_dir=output/scores
python evaluate_vectors.py --init_checkpoint=models/minilm --tasks=sts-b=glue/STS-B --transform=none,whitening:256
python evaluate_vectors.py --init_checkpoint=models/minilm --fit_texts=texts.txt --transform=whitening \\
  --save_transform=whitening.npz
python evaluate_vectors.py --init_checkpoint=models/minilm --neighbours_of=bank --contexts_file=contexts.txt
"""

import dataclasses
import logging

from bertline import errors
from bertline.common import console
from bertline.settings import flags
from bertline.settings.scripts import evaluate_vectors


def main(_):
    with errors.report_errors("nothing was written"):
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(evaluate_vectors.EvaluationSettings)
        evaluate_vectors.check(run)
        if run.neighbours_of is not None:
            return show_neighbours(run)
        from bertline.vector_evaluation.tasks import read_tasks

        tasks = read_tasks(run)
        # TensorFlow is imported only now that flags and files are known to be good.
        console.import_tensorflow()
        from bertline.vector_evaluation import report
        from bertline.vector_evaluation.evaluate import evaluate

        results = evaluate(run, tasks)
        if results:
            print(report.table(results))
            if run.output_dir:
                report.write(run.output_dir, results, dataclasses.asdict(run))
                print(f"written: {', '.join(report.FILES)} in {run.output_dir}")
        if run.save_transform:
            print(f"written: {run.save_transform}")


def show_neighbours(run):
    """The contexts of a word, each with those nearest to it."""
    from bertline.vector_evaluation.contexts import read_occurrences

    occurrences = read_occurrences(run.contexts_file, run.neighbours_of, run.encoding or "utf-8")
    console.import_tensorflow()
    from bertline.vector_evaluation import neighbours

    found = neighbours.find_neighbours(run, occurrences)
    print(neighbours.table(found, occurrences, run.num_neighbours))
    if run.output_dir:
        neighbours.write(run.output_dir, found, occurrences, run.neighbours_of)
        print(f"written: {', '.join(neighbours.FILES)} in {run.output_dir}")


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(evaluate_vectors.EvaluationSettings)
    flags.alias("model", "init_checkpoint")
    flags.run(main)


if __name__ == "__main__":
    command()
