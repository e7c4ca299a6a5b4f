#!/usr/bin/env bash
# Trains on videos of one's own: FOLDER/real/*.mp4 and FOLDER/fake/*.mp4.
#   examples/train_on_a_folder.sh FOLDER [OUTPUT] [--set key=value ...]
# What follows OUTPUT goes to `unmask run`: --set models.0.steps=500.
set -euo pipefail

folder=$1
output=${2:-runs/mine}
here=$(dirname "$0")

python "$here/make_manifest.py" "$folder"
# 1: some videos could not be read; the others will do.
unmask extract --dataset manifest --input "$folder" --output "$output/examples" || [ $? = 1 ]
unmask sheet "$output/examples"
unmask run --config "$here/train_on_a_folder.yaml" \
  --set examples="$output/examples" --set output="$output/run" \
  --set serving_root="$output/serving" "${@:3}"
echo "Serve it: unmask serve --models $output/serving"
