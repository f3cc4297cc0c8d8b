#!/usr/bin/env bash
# Fetches the base of the pull request, with its history: the merge base may be far back.
set -euo pipefail
# shellcheck source=.github/action/git.sh
source "$(dirname "${BASH_SOURCE[0]}")/git.sh"

deepen=()
if [[ "$(safely rev-parse --is-shallow-repository)" == true ]]; then
  deepen=(--unshallow)
fi
safely fetch --quiet --no-tags --no-recurse-submodules --no-auto-maintenance ${deepen[@]+"${deepen[@]}"} \
  "${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}" "${BASE}"
