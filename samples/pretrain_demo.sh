#!/usr/bin/env bash
# Text -> vocabulary -> instances -> a small BERT that fills masks. `make pretrain-demo` runs it; with paths of your own:
#   make pretrain-demo CORPUS='my_text/*.txt' HELD_OUT='my_held_out/*.txt' OUTPUT_DIR=output/mine
# CORPUS, HELD_OUT: names or patterns, comma-separated; one sentence a line, a blank line between documents.
# PYTHON: the interpreter; STEPS, VOCAB_SIZE: how long and how large.
# Nothing is overwritten: the same command keeps vocabulary and instances that are there, and continues the training.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python}"
output="${OUTPUT_DIR:-output/pretraining}"
corpus="${CORPUS:-samples/corpus/home.txt,samples/corpus/outdoors.txt}"
held_out="${HELD_OUT:-samples/corpus/town.txt}"
steps="${STEPS:-4000}"
vocab_size="${VOCAB_SIZE:-1999}"
run() { echo "+ $*"; TF_CPP_MIN_LOG_LEVEL=3 "$@"; }
# once FILE COMMAND...: the file is the last one that the command writes; a manifest says where it is not finished.
once() { if [ -e "$1" ] && ! grep -q '"unfinished"' "$1"; then echo "kept: $1"; else run "${@:2}"; fi; }

"$python" -m samples.pretrain_demo_text "$corpus" "$held_out" "$vocab_size" "$output"
once "$output/vocabulary/tokenizer_config.json" \
  "$python" build_vocab.py --input_file="$corpus" --output_file="$output/vocabulary/vocab.txt" --vocab_size="$vocab_size"
# Stored without masks, so that every epoch draws new ones: a small text is read many times. Full sentences, since on a few
# dozen documents the next-sentence task is learned by heart at the cost of the words.
once "$output/train.tfrecord.manifest.json" \
  "$python" create_pretraining_data.py --input_file="$corpus" --output_file="$output/train.tfrecord" --dynamic_masking \
  --vocab_file="$output/vocabulary/vocab.txt" --instances=full_sentences --max_seq_length=64 --max_predictions_per_seq=10 \
  --dupe_factor=1
once "$output/held_out.tfrecord.manifest.json" \
  "$python" create_pretraining_data.py --input_file="$held_out" --output_file="$output/held_out.tfrecord" \
  --vocab_file="$output/vocabulary/vocab.txt" --instances=full_sentences --max_seq_length=64 --max_predictions_per_seq=10 \
  --dupe_factor=1
cat > "$output/masks.txt" <<'END'
Bread needs only flour, [MASK], salt and time. The flour and the water are mixed in a large bowl.
After the rest it is soft and easy to [MASK]. The salt goes in last, because salt slows the yeast.
Bread needs only flour, water, salt and time. The flour and the water are mixed in a large bowl.
END
run "$python" run_pretraining.py --flagfile=configs/recipes/pretrain-demo.flags --num_train_steps="$steps" \
  --num_warmup_steps="$((steps / 10))" --eval_steps="$((steps / 6))" --input_file="$output/train.tfrecord" \
  --eval_file="$output/held_out.tfrecord" --vocab_file="$output/vocabulary/vocab.txt" \
  --predict_file="$output/masks.txt" --output_dir="$output/model_dir" 2>&1 | tee -ia "$output/log.txt"

echo
echo "Loss in training, every so many steps:"
sed -nE 's/^step ([0-9]+)\/[0-9]+: loss ([0-9.]+).*/  step \1: \2/p' "$output/log.txt"
echo "On held-out text (a text as small as samples/corpus is learned by heart, not understood: take more):"
sed -nE 's/^step ([0-9]+): .*masked_lm_accuracy ([0-9.]+).*perplexity ([0-9.]+).*/  step \1: accuracy of masked words \2, perplexity \3/p' "$output/log.txt"
echo "Masks that it fills:"
"$python" - "$output/model_dir/predictions.jsonl" <<'END'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    found = json.loads(line)
    for mask in found.get("masks", []):
        best = ", ".join(f"{one['token']} {one['probability']:.2f}" for one in mask["candidates"][:3])
        print(f"  {found['text']}  ->  {best}")
    if "pseudo_perplexity" in found:
        print(f"  {found['text']}  ->  pseudo-perplexity {found['pseudo_perplexity']:.1f}")
END
cat <<END

What is in $output
  made_from.txt      which text it is
  vocabulary/        vocab.txt and the casing it was trained with
  *.tfrecord         instances; *.manifest.json says what they were made from
  model_dir/model/   weights, configuration, vocabulary: BertForPreTraining of Hugging Face transformers loads it as it is
  model_dir/         eval_results.txt, predictions.jsonl, checkpoints, TensorBoard events

Next: fine-tune what was pre-trained
  $python run_classifier.py --task_name=tsv --data_dir=samples/intents --init_checkpoint=$output/model_dir \\
    --do_train --do_eval --max_seq_length=64 --learning_rate=5e-4 --bias_correction --output_dir=output/pretrained-intents
END
