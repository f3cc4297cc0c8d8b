#!/usr/bin/env bash
# Commits what `gen render` has changed, and pushes it to the branch of the pull request. The render ran before, without the
# token, in a work tree without other changes.
#
# As when fetching, Git gets the token in the environment and an address instead of a remote, and runs nothing of the checkout.
set -euo pipefail

if [[ "$(git rev-parse HEAD)" != "${HEAD_SHA}" ]]; then
  # shellcheck disable=SC2016 # An expression of GitHub.
  printf '::error title=gen::not the branch of the pull request: give actions/checkout the input `ref: %s`\n' \
    '${{ github.event.pull_request.head.sha }}'
  exit 1
fi
authorization="$(printf 'x-access-token:%s' "${GH_TOKEN}" | base64 | tr -d '\n')"
printf '::add-mask::%s\n' "${authorization}"
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2 \
  GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL}/.extraheader" GIT_CONFIG_VALUE_0="" \
  GIT_CONFIG_KEY_1="http.${GITHUB_SERVER_URL}/.extraheader" GIT_CONFIG_VALUE_1="AUTHORIZATION: basic ${authorization}"
git=(
  git -c safe.bareRepository=explicit -c core.hooksPath=/dev/null -c core.fsmonitor=false -c credential.helper=
  -c protocol.allow=never -c protocol.https.allow=always -c commit.gpgSign=false
  -c 'user.name=github-actions[bot]' -c 'user.email=41898282+github-actions[bot]@users.noreply.github.com'
)
"${git[@]}" add --all -- :/
if "${git[@]}" diff --cached --quiet; then
  printf 'The outputs are up to date.\n'
  exit
fi
"${git[@]}" commit --quiet --message 'Render'
# Not if someone else has pushed in the meantime: that push has a run of its own.
"${git[@]}" push --quiet "${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}" "HEAD:refs/heads/${HEAD_REF}"
printf 'The outputs were rendered and pushed.\n'
