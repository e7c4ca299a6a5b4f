#!/usr/bin/env bash
# Asks about the picture of one face with curl alone: TensorFlow Serving's REST API.
#   examples/ask_over_rest.sh face.jpg [http://localhost:8501] [xception]
# The answer holds `fake_probability` and `verdict`: 0 real, 1 fake, 2 uncertain, 3 unreadable.
# A single face is judged more surely than it deserves: ask about whole videos where you can.
set -euo pipefail

picture=$1
server=${2:-http://localhost:8501}
model=${3:-xception}

# Through a pipe, since a command's arguments have a largest length.
printf '{"signature_name": "serving_default", "instances": [{"b64": "%s"}]}' \
  "$(base64 -w 0 "$picture")" |
  curl --silent --show-error --fail-with-body --data @- "$server/v1/models/$model:predict"
echo
