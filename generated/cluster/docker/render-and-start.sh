#!/usr/bin/env bash
# Generated from spec/stack.toml: edit that file, then run `gen render`.
#
# Renders the persistence template from the environment, then starts the server.
# A placeholder is ${NAME}. Inside double quotes any printable value is accepted and escaped for
# YAML; outside only letters, digits, dots, dashes and underscores are, a letter or digit first.
set -euo pipefail

template="${TEMPORAL_PERSISTENCE_TEMPLATE:-/etc/temporal/config/persistence-dsql.template.yaml}"
config="${TEMPORAL_PERSISTENCE_CONFIG:-/etc/temporal/config/persistence-dsql.yaml}"
entrypoint="${TEMPORAL_BASE_ENTRYPOINT:-/etc/temporal/entrypoint.sh}"

fail() {
  printf 'render-and-start: %s\n' "$*" >&2
  exit 1
}

[[ -r "${template}" ]] || fail "cannot read the template ${template}"
[[ -x "${entrypoint}" ]] || fail "cannot run the entrypoint ${entrypoint}"

rest="$(cat "${template}")"
# The template's own text so far: the quotes in a value are its own.
seen=''
rendered=''
missing=()
invalid=()
while [[ "${rest}" == *"\${"* ]]; do
  seen+="${rest%%"\${"*}"
  rendered+="${rest%%"\${"*}"
  rest="${rest#*"\${"}"
  [[ "${rest}" == *"}"* ]] || fail "a placeholder in ${template} has no end"
  name="${rest%%"}"*}"
  rest="${rest#*"}"}"
  [[ "${name}" =~ ^[A-Z][A-Z0-9_]*$ ]] || fail "'${name}' in ${template} is no placeholder"
  value="${!name-}"
  if [[ -z "${value}" ]]; then
    missing+=("${name}")
    continue
  fi
  # An odd number of quotes so far in this line: the placeholder stands inside a string.
  line="${seen##*$'\n'}"
  quotes="${line//[!\"]/}"
  if [[ ! "${quotes}" =~ ^(\"\")*$ ]]; then
    [[ "${value}" != *[[:cntrl:]]* ]] || invalid+=("${name}")
    value="${value//\\/\\\\}"
    value="${value//\"/\\\"}"
  elif [[ ! "${value}" =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]]; then
    invalid+=("${name}")
  fi
  rendered+="${value}"
done
rendered+="${rest}"

[[ -z "${missing[*]-}" ]] || fail "not set: ${missing[*]}"
[[ -z "${invalid[*]-}" ]] || fail "cannot stand in the configuration: ${invalid[*]}"

# A crash must not leave half a configuration, and it may name hosts and users.
umask 077
printf '%s\n' "${rendered}" > "${config}.new"
mv -f "${config}.new" "${config}"

exec "${entrypoint}" "$@"
