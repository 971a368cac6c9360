#!/usr/bin/env bash
# Runs `npm run test:engines` with all that it can be run with: a real Elasticsearch, which the
# launcher named here starts and removes, EventStoreDB's protocol by cmd/event-store.ts, and a Python
# with esdbclient. What cannot be fetched is told, and the tests that need it do not run.
# Usage: scripts/test-on-engines.sh [folder of the launchers] [words for jest]
set -euo pipefail
launchers=$(realpath "${1:-../shared/engines}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
# Elasticsearch does not run as root, but as nobody.
chmod 755 "$work"
elasticsearch=("$launchers/elasticsearch")
where=(--port "${ELASTICSEARCH_PORT:-9233}" --dir "$work/elasticsearch" --major "${ELASTICSEARCH_MAJOR:-9}")
event_store=
finish() {
  [ -z "$event_store" ] || kill "$event_store" 2>/dev/null || true
  "${elasticsearch[@]}" clean "${where[@]}" || true
  rm -rf "$work"
}
trap finish EXIT

if "${elasticsearch[@]}" install --major "${ELASTICSEARCH_MAJOR:-9}" >&2; then
  started=$("${elasticsearch[@]}" up "${where[@]}")
  export ELASTICSEARCH_URL=${started#ELASTICSEARCH_URL=}
  # For the tests that kill a server of their own.
  export ELASTICSEARCH_LAUNCHER=$launchers/elasticsearch
else
  echo 'NO ELASTICSEARCH: it could not be fetched' >&2
fi

if python3 -m venv "$work/python" &&
  "$work/python/bin/pip" install --quiet --disable-pip-version-check esdbclient==1.1.7; then
  export ESDBCLIENT_PYTHON=$work/python/bin/python
else
  echo 'NO PYTHON WITH esdbclient: it could not be fetched' >&2
fi

address=127.0.0.1:${EVENT_STORE_PORT:-2133}
CIPHERHORIZON_DATA_DIR=$work/events EVENT_STORE_ADDRESS=$address LOG_LEVEL=warn \
  node_modules/.bin/node cmd/event-store.ts &
event_store=$!
export EVENTSTORE_URL="esdb://$address?tls=false"

npm run test:engines -- "${@:2}"
