#!/bin/sh
# Makes model.xz again: signatures/isa/make.sh FOLDER
# FOLDER holds debs/ (Debian packages), sources/ (Debian source packages, unpacked), crates/ (esp-wifi-sys-*, unpacked) and corpus/ (CLASS/train|test/PACKAGE.bin: code of Debian's packages, and
# _data/train|test/KIND@NAME.bin: what is no code). Only the trained costs are kept here, never the bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
python3 "$here/packages.py" "$folder/debs" "$folder/corpus"
python3 "$here/compile.py" "$folder/sources" "$folder/corpus"
python3 "$here/libraries.py" "$folder/crates" "$folder/corpus"
cargo run --release --manifest-path "$here/../../Cargo.toml" --example train_isa train "$folder/corpus" "$folder/model"
xz -9e --stdout "$folder/model" > "$here/model.xz"
cargo run --release --manifest-path "$here/../../Cargo.toml" --example train_isa measure "$folder/corpus"
