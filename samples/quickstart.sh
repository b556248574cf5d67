#!/usr/bin/env bash
# Fine-tunes a real BERT on samples/intents, evaluates it, predicts, and says what came out. `make quickstart` runs it.
# PYTHON: the interpreter; OUTPUT_DIR: where the run goes.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python}"
output="${OUTPUT_DIR:-output/intents}"
recipe=configs/recipes/intents.flags

echo "+ $python run_classifier.py --flagfile=$recipe --output_dir=$output"
TF_CPP_MIN_LOG_LEVEL=3 "$python" run_classifier.py --flagfile="$recipe" --output_dir="$output"

score() { awk -v key="$2" '$1 == key { printf "%.3f", $3 }' "$output/$1_results.txt"; }

cat <<END

Scores
  dev    accuracy $(score eval eval_accuracy), macro F1 $(score eval eval_f1_macro)   (weights of the best evaluation, step $(awk '$1 == "global_step" { print $3 }' "$output/eval_results.txt"))
  test   accuracy $(score test test_accuracy), macro F1 $(score test test_f1_macro)
  a bag of words with logistic regression: 0.751 and 0.667

What is in $output
  eval_results.txt   the scores on dev.tsv; test_results.txt: those on test.tsv, whose rows are labelled
  test_results.tsv   a line per row of test.tsv, a probability per class, as the original BERT writes it
  predictions.tsv    the same with guid, predicted and true label, confidence and text
  report.html        one page: scores with intervals, confusion, errors with coloured words, curves, the command
  confusion.png      which intent was taken for which; confusion.tsv and per_class.tsv have the numbers
  metrics.csv        loss, rate and scores of every step that was reported; curves.png draws them
  label_map.json     label -> number
  model/             weights, configuration, vocabulary, labels: Bertline and Hugging Face transformers load it as it is
  run_config.json    every setting of the run
  model.ckpt-*       weights and optimizer: the same command goes on from here; best/ has the weights of the best evaluation
  records/           the tokenized data (TFRecord), used again where text, vocabulary and settings are the same
  events.out.*       curves: .venv/bin/tensorboard --logdir=output

Next: a message of yours, with length and columns as trained
  printf 'text\\nthe lid came cracked\\n' > output/new.tsv
  $python run_classifier.py --do_predict --test_file=output/new.tsv --init_checkpoint=$output --output_dir=output/new
  cut -f2 output/new/predictions.tsv

Then your own data: a folder with train.tsv and dev.tsv, each with the header "label<TAB>text", no code
  $python run_classifier.py --flagfile=$recipe --nodo_predict --data_dir=YOUR_FOLDER --output_dir=output/mine
END
