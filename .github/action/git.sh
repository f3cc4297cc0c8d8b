#!/usr/bin/env bash
# Git for a checkout that is somebody else's; sourced.
#
# The checkout may have no credentials, and its files are the pull request's. So the token is passed in the environment, and
# Git gets an address, not a remote; it runs no hook and no monitor, uses only HTTPS, and refuses a bare repository that is
# committed as files.
set -euo pipefail

authorization="$(printf 'x-access-token:%s' "${GH_TOKEN}" | base64 | tr -d '\n')"
printf '::add-mask::%s\n' "${authorization}"
# The empty value removes what the checkout set: GitHub refuses two headers.
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2 \
  GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL}/.extraheader" GIT_CONFIG_VALUE_0="" \
  GIT_CONFIG_KEY_1="http.${GITHUB_SERVER_URL}/.extraheader" GIT_CONFIG_VALUE_1="AUTHORIZATION: basic ${authorization}"

safely() {
  git -c safe.bareRepository=explicit -c core.hooksPath=/dev/null -c core.fsmonitor=false -c credential.helper= \
    -c protocol.allow=never -c protocol.https.allow=always -c commit.gpgSign=false \
    -c 'user.name=github-actions[bot]' -c 'user.email=41898282+github-actions[bot]@users.noreply.github.com' "$@"
}
