#!/usr/bin/env bash
# Fetches the base of the pull request, with its history: the merge base may be far back.
#
# The checkout may have no credentials, and its files are the pull request's. So the token is passed in the environment,
# and Git gets the address, not a remote; it runs no hook and no monitor, uses only HTTPS, and refuses a bare repository
# that is committed as files.
set -euo pipefail

authorization="$(printf 'x-access-token:%s' "${GH_TOKEN}" | base64 | tr -d '\n')"
printf '::add-mask::%s\n' "${authorization}"
# The empty value removes what the checkout set: GitHub refuses two headers.
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=2 \
  GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL}/.extraheader" GIT_CONFIG_VALUE_0="" \
  GIT_CONFIG_KEY_1="http.${GITHUB_SERVER_URL}/.extraheader" GIT_CONFIG_VALUE_1="AUTHORIZATION: basic ${authorization}"
git=(
  git -c safe.bareRepository=explicit -c core.hooksPath=/dev/null -c core.fsmonitor=false -c credential.helper=
  -c protocol.allow=never -c protocol.https.allow=always
)
deepen=()
if [[ "$("${git[@]}" rev-parse --is-shallow-repository)" == true ]]; then
  deepen=(--unshallow)
fi
"${git[@]}" fetch --quiet --no-tags --no-recurse-submodules --no-auto-maintenance ${deepen[@]+"${deepen[@]}"} \
  "${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}" "${BASE}"
