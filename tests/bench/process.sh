#!/usr/bin/env bash
# Times the whole process, next to a C program that does the least for the same files (floor.c), and prints a
# Markdown table. Needs cargo, cc and hyperfine.
#
# GEN=/path/to/gen measures that binary instead of a fresh release build; SIZES="150 1500" other synthetic stacks.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
read -r -a sizes <<<"${SIZES:-150 1500 15000}"

for tool in cargo cc hyperfine; do
    if ! command -v "$tool" >/dev/null; then
        echo "error: $tool is missing; on Debian: apt-get install gcc hyperfine, and https://rustup.rs for cargo" >&2
        exit 3
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

if [[ -n ${GEN:-} ]]; then
    gen=$(realpath "$GEN")
else
    # The target directory depends on the host and on the user's configuration: cargo knows it.
    gen=$(cargo build --release --bin gen --message-format=json-render-diagnostics |
        sed -n 's|.*"executable":"\([^"]*/gen\)".*|\1|p')
fi
floor=$work/floor
cc -O2 -static -o "$floor" "$here/floor.c"

# The outputs below the current directory; a stack without infrastructure has no terraform/.
outputs() {
    find . \( -path './generated/*' -o -path './terraform/*' \) -type f | sed 's|^\./||' | sort
}

# A project, rendered, and its blob for the floor.
project() {
    local name=$1
    mkdir -p "$work/$name"
    case $name in
        reference) cp -R spec "$work/$name/" ;;
        *) cargo run --quiet --example synthetic -- "$name" "$work/$name" ;;
    esac
    (cd "$work/$name" && "$gen" render >/dev/null && outputs) | "$floor" pack "$work/$name.blob" "$work/$name"
    mkdir -p "$work/$name.floor"
}

# mean DIRECTORY PREPARE COMMAND ...: the mean time of a command in a directory, in ms.
mean() {
    local directory=$1 prepare=$2
    shift 2
    local options=(--shell=none --warmup 20 --export-csv "$work/times.csv" --command-name measured)
    if [[ -n $prepare ]]; then
        options+=(--prepare "$prepare")
    fi
    (cd "$directory" && hyperfine "${options[@]}" "$*") >/dev/null 2>"$work/hyperfine.log" ||
        { cat "$work/hyperfine.log" >&2 && exit 3; }
    awk -F, 'NR == 2 { printf "%.2f", $2 * 1000 }' "$work/times.csv"
}

# row STACK WHAT TIME FLOOR MEMORY
row() {
    local size
    size=$(cd "$work/$1" && outputs | tr '\n' '\0' | xargs -0 cat | wc -c)
    awk -v stack="$1" -v what="$2" -v time="$3" -v floor="$4" -v memory="$5" -v size="$size" 'BEGIN {
        printf "| %s | gen %s | %.2f ms | %.2f ms | %.2f | %.1f MB | %.2f MB |\n",
            stack, what, time, floor, time / floor, memory / 1000, size / 1e6
    }'
}

echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $(uname -sm), $("$gen" --version)"
echo
echo '| Stack | Command | Mean | Floor | Ratio | Peak memory | Output |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
for name in reference "${sizes[@]}"; do
    project "$name"
    in=$work/$name
    out=$work/$name.floor
    peak=$(cd "$in" && "$floor" peak "$gen" check)
    reads=$(mean "$in" '' "$floor" check "$work/$name.blob" .)
    row "$name" check "$(mean "$in" '' "$gen" check)" "$reads" "$peak"
    peak=$(cd "$in" && "$floor" peak "$gen" render)
    row "$name" 'render, no-op' "$(mean "$in" '' "$gen" render)" "$reads" "$peak"
    rm -rf "$in/generated" "$in/terraform"
    peak=$(cd "$in" && "$floor" peak "$gen" render)
    writes=$(mean "$out" 'rm -rf generated terraform' "$floor" render "$work/$name.blob" .)
    row "$name" 'render, first' "$(mean "$in" 'rm -rf generated terraform' "$gen" render)" "$writes" "$peak"
done
