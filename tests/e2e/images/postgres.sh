#!/bin/sh
# What the official image of PostgreSQL promises of its entrypoint: the first start makes the cluster for POSTGRES_USER,
# with POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE and the database POSTGRES_DB; the server is the command.
set -eu
case "${1:-}" in
  -*) set -- postgres "$@" ;;
esac
if [ "$1" = postgres ]; then
  mkdir -p "${PGDATA}"
  if [ "$(id -u)" = 0 ]; then
    chown -R postgres "${PGDATA}"
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
  fi
  chmod 700 "${PGDATA}"
  if [ ! -s "${PGDATA}/PG_VERSION" ]; then
    if [ -n "${POSTGRES_PASSWORD:-}" ] && [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
      echo 'both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set' >&2
      exit 1
    fi
    password="${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:?no password}")}"
    user="${POSTGRES_USER:-postgres}"
    file="$(mktemp)"
    printf '%s\n' "${password}" >"${file}"
    initdb --username="${user}" --pwfile="${file}" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8
    rm "${file}"
    echo 'host all all all scram-sha-256' >>"${PGDATA}/pg_hba.conf"
    pg_ctl start --wait --options="-c listen_addresses=''"
    [ "${POSTGRES_DB:-${user}}" = postgres ] || createdb --username="${user}" --maintenance-db=postgres "${POSTGRES_DB:-${user}}"
    pg_ctl stop --wait --mode=fast
  fi
  # The official image sets this in postgresql.conf.
  shift
  set -- postgres -c "listen_addresses=*" "$@"
fi
exec "$@"
