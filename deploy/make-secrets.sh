#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml hands to its services as files, in deploy/secrets or in
# the folder that is named. What is there already is kept: run it again after an update.
set -euo pipefail
folder=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}

mkdir -p "$folder"
# Containers read the files as users of their own, so that the files are readable for all; nobody
# else reaches them, as the folder is closed.
chmod 700 "$folder"
umask 022

# What the command behind the name prints, where the file is not there yet.
make() {
  local file=$folder/$1
  shift
  if [[ ! -e $file ]]; then
    "$@" >"$file.new"
    mv "$file.new" "$file"
  fi
}

password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

eventstore_url() {
  printf 'esdb+discover://admin:%s@eventstore:2113' "$(cat "$folder/eventstore-password")"
  printf '?nodePreference=leader&tlsCaFile=/certs/eventstore-ca.crt'
}

make eventstore-password password
make eventstore-url eventstore_url
make elasticsearch-superuser-password password
make elasticsearch-password password
make grafana-password password
# What tokens are signed with, and what they are checked with.
make local-key.pem openssl genpkey -algorithm ed25519
make local-key.pub.pem openssl pkey -in "$folder/local-key.pem" -pubout
