#!/usr/bin/env bash
# Times the whole process, next to a C program that does the least for the same files (floor.c), and prints
# Markdown tables. Needs cargo, cc, git and hyperfine; with valgrind it also counts the instructions of `gen check`.
#
# GEN=/path/to/gen measures that binary instead of a fresh release build; SIZES="150 300x40" other synthetic stacks: of so
# many services, or of so many dashboards with so many panels. The last size of services is that of the second table.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
read -r -a sizes <<<"${SIZES:-300x40 150 1500 15000}"

for tool in cargo cc git hyperfine; do
    if ! command -v "$tool" >/dev/null; then
        echo "error: $tool is missing; on Debian: apt-get install gcc git hyperfine, and https://rustup.rs for cargo" >&2
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

# measure DIRECTORY PREPARE COMMAND ...: runs a command in a directory many times; a prepared directory is one before each.
measure() {
    local directory=$1 prepare=$2
    shift 2
    local options=(--shell=none --warmup 3 --ignore-failure --export-csv "$work/times.csv" --command-name measured)
    if [[ -n $prepare ]]; then
        options+=(--prepare "$prepare")
    fi
    (cd "$directory" && hyperfine "${options[@]}" "$*") >/dev/null 2>"$work/hyperfine.log" ||
        { cat "$work/hyperfine.log" >&2 && exit 3; }
}

# mean DIRECTORY PREPARE COMMAND ...: the mean time of a command in a directory, in ms.
mean() {
    measure "$@"
    awk -F, 'NR == 2 { printf "%.2f", $2 * 1000 }' "$work/times.csv"
}

# times STACK COMMAND PREPARE DIRECTORY: a row with the mean time and the processors' time of a command.
times() {
    local stack=$1 what=$2 prepare=$3 directory=$4
    # The words of a command have no spaces.
    # shellcheck disable=SC2086
    measure "$directory" "$prepare" "$gen" $what
    awk -F, -v stack="$stack" -v what="$what" \
        'NR == 2 { printf "| %s | gen %s | %.1f ms | %.1f ms |\n", stack, what, $2 * 1000, ($5 + $6) * 1000 }' "$work/times.csv"
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

echo
echo '| Stack | Command | Mean | CPU |'
echo '| --- | --- | --- | --- |'
reference=$work/reference
times - --version '' "$reference"
for line in docker-compose.yml:12 docker-compose.yml:600 README.md:100 config/loki.yaml:33 grafana/server/server.json:100 \
    grafana/copilot/copilot.json:700; do
    times reference "explain generated/dev/$line" '' "$reference"
done
for key in images.loki services.mimir services.loki.settings.retention dashboards.server.title; do
    times reference "impact $key" '' "$reference"
done
largest=
for name in "${sizes[@]}"; do
    [[ $name == *x* ]] || largest=$name
done
if [[ -n $largest ]]; then
    in=$work/$largest
    git -C "$in" init --quiet
    git -C "$in" add --all
    git -C "$in" -c user.name=bench -c user.email=bench@example.com commit --quiet --message=bench
    cp "$in/spec/stack.toml" "$work/before.toml"
    sed -i 's/^title = "A synthetic/&, changed/' "$in/spec/stack.toml"
    for what in review graph 'list services' 'fmt --check' 'import compose generated/bench/docker-compose.yml'; do
        times "$largest" "$what" '' "$in"
    done
    times "$largest" 'new service probe' "cp $work/before.toml spec/stack.toml" "$in"
fi

# The time from a change of the spec until its lines are shown, and from the start until the first render.
watch() {
    local in=$1 start
    (cd "$in" && exec "$gen" watch 2>&1) >"$work/watch" &
    local watcher=$!
    until grep -q watching "$work/watch"; do :; done
    start=$(date +%s%N)
    sed -i 's/retention = "72h"/retention = "96h"/' "$in/spec/stack.toml"
    until grep -q '96h' "$work/watch"; do :; done
    printf '\ngen watch of %s shows a change after %d ms.\n' "$(basename "$in")" $((($(date +%s%N) - start) / 1000000))
    kill "$watcher"
    wait "$watcher" 2>/dev/null || true
}
(cd "$reference" && "$gen" render >/dev/null)
watch "$reference"
if [[ -n $largest ]]; then
    cp "$work/before.toml" "$work/$largest/spec/stack.toml"
    watch "$work/$largest"
fi

printf '\nThe binary has %.1f MB.\n' "$(stat -c %s "$gen" | awk '{ print $1 / 1e6 }')"
if command -v valgrind >/dev/null; then
    for name in reference "${sizes[@]}"; do
        (
            cd "$work/$name"
            "$gen" render >/dev/null
            valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$gen" check 2>&1
        ) |
            awk -v stack="$name" '/I +refs/ { gsub(",", "", $NF); printf "gen check of %s: %.1f million instructions.\n", stack, $NF / 1e6 }'
    done
fi
