#!/usr/bin/env bash
# Commits what `gen render` has changed, and pushes it to the branch of the pull request. The render ran before, without the
# token, in a work tree without other changes.
set -euo pipefail
# shellcheck source=.github/action/git.sh
source "$(dirname "${BASH_SOURCE[0]}")/git.sh"

if [[ "$(safely rev-parse HEAD)" != "${HEAD_SHA}" ]]; then
  # shellcheck disable=SC2016 # An expression of GitHub.
  printf '::error title=gen::not the branch of the pull request: give actions/checkout the input `ref: %s`\n' \
    '${{ github.event.pull_request.head.sha }}'
  exit 1
fi
safely add --all -- :/
if safely diff --cached --quiet; then
  printf 'The outputs are up to date.\n'
  exit
fi
safely commit --quiet --message 'Render'
address="${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}"
branch="refs/heads/${HEAD_REF}"
# The commit comes after that one, so nothing is overwritten; a branch that was deleted stays so.
if safely push --quiet --force-with-lease="${branch}:${HEAD_SHA}" "${address}" "HEAD:${branch}"; then
  printf 'The outputs were rendered and pushed.\n'
  exit
fi
# A push in the meantime has a run of its own; after anything else nobody renders.
current="$(safely ls-remote "${address}" "${branch}" | awk -v branch="${branch}" '$2 == branch { print $1 }')"
if [[ "${current}" == "${HEAD_SHA}" ]]; then
  exit 1
fi
printf '::notice title=gen::%s was updated or deleted in the meantime; the run for that renders it\n' \
  "${HEAD_REF//[^A-Za-z0-9._\/-]/_}"
