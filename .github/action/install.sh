#!/usr/bin/env bash
# Installs the released binary of the commit that the action runs at, to ${RUNNER_TEMP}/gen/bin. Whether it did is the
# output `released`: without a release of this commit, or of this platform, the action compiles.
#
# A binary without the checksum of its release, or without its attestation, is an error and not a reason to compile: it
# is not what was released. Nothing here reads the checkout.
set -euo pipefail

compile() {
  printf 'gen: compiling, since %s\n' "$*"
  printf 'released=false\n' >>"${GITHUB_OUTPUT}"
  exit
}

fail() {
  printf '::error title=gen::%s\n' "$*"
  exit 1
}

case "${RUNNER_OS}-${RUNNER_ARCH}" in
  Linux-X64) target=x86_64-unknown-linux-gnu ;;
  Linux-ARM64) target=aarch64-unknown-linux-gnu ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc ;;
  *) compile "releases have no binary for ${RUNNER_OS} on ${RUNNER_ARCH}" ;;
esac

# `github.action_repository` and `github.action_ref` name the outermost action if another one uses this: the path of the
# files, …/_actions/OWNER/NAME/REF, doesn't.
path="${ACTION_PATH//\\//}"
path="${path%/.}"
[[ "${path}" == */_actions/*/*/?* ]] || compile 'the action is a folder of the checkout'
path="${path##*/_actions/}"
owner="${path%%/*}"
path="${path#*/}"
name="${path%%/*}"
ref="${path#*/}"
repository="${GITHUB_SERVER_URL}/${owner}/${name}"
version="$(sed -n '/^version = "/{s/^version = "\([0-9A-Za-z.+-]*\)"$/\1/p;q;}' "${ACTION_PATH}/Cargo.toml")"
tag="v${version}"

folder="${RUNNER_TEMP}/gen-release"
rm -rf "${folder}"
mkdir -p "${folder}"
cd "${folder}"

export GIT_TERMINAL_PROMPT=0 GIT_CEILING_DIRECTORIES="${RUNNER_TEMP}"
refs="$(
  git ls-remote "${repository}" "refs/tags/${tag}" "refs/tags/${tag}^{}" \
    "refs/tags/${ref}" "refs/tags/${ref}^{}" "refs/heads/${ref}" 2>/dev/null
)" || compile "the tags of ${owner}/${name} cannot be read"

# The commit of a ref, also behind an annotated tag.
commit_of() {
  awk -v ref="$1" '$2 == ref || $2 == ref "^{}" { commit = $1 } END { print commit }' <<<"${refs}"
}

released="$(commit_of "refs/tags/${tag}")"
here="${ref}"
if [[ ! "${ref}" =~ ^[0-9a-f]{40}$ ]]; then
  here="$(commit_of "refs/tags/${ref}")"
  here="${here:-$(commit_of "refs/heads/${ref}")}"
fi
[[ -n "${released}" && "${released}" == "${here}" ]] || compile "${tag} is not released, or not at this commit"

download() {
  curl --disable --fail --silent --show-error --location --proto '=https' --retry 3 --max-time 120 \
    --output "$1" "${repository}/releases/download/${tag}/$1"
}

archive="gen-${target}.tar.gz"
download SHA256SUMS || compile "the release ${tag} cannot be downloaded"
expected="$(awk -v file="${archive}" '$2 == file { print $1 }' SHA256SUMS)"
[[ "${expected}" =~ ^[0-9a-f]{64}$ ]] || compile "the release ${tag} has no ${archive}"
download "${archive}" || compile "${archive} cannot be downloaded"
# macOS has only `shasum`.
actual="$(sha256sum "${archive}" 2>/dev/null || shasum --algorithm 256 "${archive}")"
[[ "${actual%% *}" == "${expected}" ]] || fail "the checksum of ${archive} of ${tag} is wrong"

if [[ "$(gh attestation verify --help 2>/dev/null || true)" == *--source-digest* ]]; then
  gh attestation verify "${archive}" --repo "${owner}/${name}" --source-digest "${released}" \
    --source-ref "refs/tags/${tag}" --signer-workflow "${owner}/${name}/.github/workflows/release.yml" \
    --deny-self-hosted-runners || fail "the attestation of ${archive} of ${tag} cannot be verified"
else
  printf 'gen: the attestation is not verified, since gh is missing or older than --source-digest\n'
fi

unset GH_TOKEN
tar -xzf "${archive}" --strip-components 1
mkdir -p "${RUNNER_TEMP}/gen/bin"
if [[ "${RUNNER_OS}" == Windows ]]; then
  mv gen.exe "${RUNNER_TEMP}/gen/bin/gen.exe"
else
  mv gen "${RUNNER_TEMP}/gen/bin/gen"
fi
"${RUNNER_TEMP}/gen/bin/gen" --version
printf 'released=true\n' >>"${GITHUB_OUTPUT}"
