#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Trains a small network of each family (about an hour on one core), or with `logits` only computes anew what
# PyTorch makes of the demo's pictures. PYTHON names a Python with PyTorch.
set -euo pipefail
cd "$(dirname "$0")/../../.."
python=${PYTHON:-python3} here=Tests/Fixtures/networks

# family MODEL FLAGS...
logits() { "$python" tools/train/evaluate.py --family "$1" --logits $here/"$1"-logits.safetensors "$2" \
    tools/demo/pictures/*.jpg "${@:3}"; }

logits dwnet tools/demo/model.safetensors
for family in dynamic_dwnet inhomogeneous_dwnet swin dilateformer depthwise_vit; do
    flags=(--embed 12 --depths 1 1 2 1)
    [ $family = swin ] && flags+=(--window 4)
    training=(--epochs 1 --threads 1)
    [ $family = inhomogeneous_dwnet ] && training+=(--limit 30000)
    [ "${1:-}" = logits ] || "$python" tools/train/train.py --family $family "${flags[@]}" "${training[@]}" \
        --output $here/$family.safetensors
    logits $family $here/$family.safetensors "${flags[@]}"
done
