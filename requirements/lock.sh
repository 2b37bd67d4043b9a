#!/bin/sh
# Pins every requirement with its hashes: requirements/NAME.in -> requirements/NAME.txt.
# Resolved for Linux on x86_64 and Python 3.11, with the hashes of every wheel; the same pins serve 3.12 and
# 3.13. `make lock` calls it.
set -eu
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
        "$@"
}
compile requirements/base.in -o requirements/base.txt
for name in cpu gpu test; do
    compile "requirements/$name.in" -o "requirements/$name.txt" -c requirements/base.txt
done
compile requirements/node.in -o requirements/node.txt
compile requirements/train.in -o requirements/train.txt
compile requirements/mlflow.in -o requirements/mlflow.txt
compile --no-deps requirements/nodeps.in -o requirements/nodeps.txt
