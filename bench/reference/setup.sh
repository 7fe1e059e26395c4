#!/usr/bin/env bash
# Installs sentence-transformers and what it needs into bench/.reference, for comparisons. Takes about 2 GB.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv .reference
.reference/bin/pip install --quiet --requirement reference/requirements.txt
