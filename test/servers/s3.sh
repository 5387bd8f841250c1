#!/usr/bin/env bash
# Real S3 servers for the tests, on the loopback address only.
#
#   test/servers/s3.sh start NAME [--port N]    starts it and prints what a client needs, as exports: eval "$(test/servers/s3.sh start minio)"
#   test/servers/s3.sh kill NAME [--port N]     ends it at once (SIGKILL), as a crash does; start goes on with the same objects
#   test/servers/s3.sh stop NAME [--port N]     ends it
#   test/servers/s3.sh remove NAME [--port N]   ends it and removes its objects and logs
#   test/servers/s3.sh logs NAME [--port N]     the folder of its logs
#
# With --tls FOLDER (of test/servers/certificates.sh) it speaks https alone; with --data FOLDER it keeps its objects there.
# Both belong to every verb of such a server.
#
# NAME: minio, versitygw (both built by `go install` the first time, unless they are on the PATH), or ceph.
# All have one user and a bucket named `alluvium`. With ALLUVIUM_PEERS set to a folder that holds s3-NAME.sh, that script
# starts the server; ceph (a whole cluster) needs it. State is kept below ALLUVIUM_SERVERS (~/.cache/alluvium-servers).
set -euo pipefail

usage() { sed -n '3,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "s3.sh: $*" >&2; exit 1; }

[ $# -ge 2 ] || usage
verb=$1 name=$2
shift 2
case $name in
  minio) port=17490 module=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c ;;
  versitygw) port=17495 module=github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
  ceph) port=17480 module= ;;
  *) usage ;;
esac
tls= data=
while [ $# -gt 0 ]; do
  case $1 in
    --port) port=${2:?--port needs a number}; shift 2 ;;
    --tls) tls=${2:?--tls needs a folder}; shift 2 ;;
    --data) data=${2:?--data needs a folder}; shift 2 ;;
    *) usage ;;
  esac
done

key=alluvium secret=alluvium-secret region=us-east-1 bucket=alluvium
peer=
if [ -z "$tls$data" ] && [ -n "${ALLUVIUM_PEERS:-}" ] && [ -x "$ALLUVIUM_PEERS/s3-$name.sh" ]; then peer=$ALLUVIUM_PEERS/s3-$name.sh; fi
if [ -n "$peer" ]; then
  home=${ALLUVIUM_PEERS_DIR:-$HOME/.cache/alluvium-peers}/run/s3-$name-$port
else
  home=${ALLUVIUM_SERVERS:-$HOME/.cache/alluvium-servers}/$name-$port
fi
bin=${ALLUVIUM_SERVERS:-$HOME/.cache/alluvium-servers}/bin
peers_bin=${ALLUVIUM_PEERS_DIR:-$HOME/.cache/alluvium-peers}/bin
data=${data:-$home/data}
scheme=${tls:+https} scheme=${scheme:-http}

# A pid with the time it started: a number alone may be another process by now.
started_at() { awk '{ print $22 }' "/proc/$1/stat" 2>/dev/null || true; }
is_running() {
  local pid start
  [ -s "$1" ] && read -r pid start <"$1" && [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}
end_with() { # SIGNAL PIDFILE
  local pid
  if is_running "$2"; then
    read -r pid _ <"$2"
    kill "-$1" "$pid" 2>/dev/null || true
    for _ in $(seq 100); do is_running "$2" || break; sleep 0.1; done
    if is_running "$2"; then kill -KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$2"
}
pid_files() { find "$home" -maxdepth 2 \( -name pid -o -name '*.pid' \) 2>/dev/null || true; }

program() { # the server's path, built when it is not there
  if command -v "$name" >/dev/null; then command -v "$name"; return; fi
  if [ -x "$peers_bin/$name" ]; then echo "$peers_bin/$name"; return; fi
  if [ ! -x "$bin/$name" ]; then
    command -v go >/dev/null || fail "$name is not on the PATH, and there is no Go to build it with"
    echo "s3.sh: building $name, once; this takes minutes" >&2
    GOBIN=$bin go install -trimpath "$module" >&2 || fail "$name could not be built"
  fi
  echo "$bin/$name"
}

start_own() {
  [ "$name" != ceph ] || fail 'ceph is started by ALLUVIUM_PEERS/s3-ceph.sh only; set ALLUVIUM_PEERS'
  if ! is_running "$home/pid"; then
    local server
    server=$(program)
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port is taken"; fi
    mkdir -p "$data" "$home/log" "$home/certs"
    local flags=()
    if [ -n "$tls" ] && [ "$name" = minio ]; then
      cp "$tls/server.crt" "$home/certs/public.crt"
      cp "$tls/server.key" "$home/certs/private.key"
      flags=(--certs-dir "$home/certs")
    elif [ -n "$tls" ]; then flags=(--cert "$tls/server.crt" --key "$tls/server.key"); fi
    case $name in
      minio) set -- env MINIO_ROOT_USER=$key MINIO_ROOT_PASSWORD=$secret MINIO_REGION=$region MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CI_CD=1 \
        "$server" server --quiet "${flags[@]}" --address "127.0.0.1:$port" "$data" ;;
      versitygw) set -- env ROOT_ACCESS_KEY=$key ROOT_SECRET_KEY=$secret "$server" --port "127.0.0.1:$port" --region $region --keep-alive "${flags[@]}" posix "$data" ;;
    esac
    setsid "$@" </dev/null >>"$home/log/$name.log" 2>&1 &
    sleep 0.1
    echo "$! $(started_at $!)" >"$home/pid"
  fi
  local answer
  for _ in $(seq 300); do
    answer=$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 -X PUT --aws-sigv4 "aws:amz:$region:s3" --user "$key:$secret" \
      -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' ${tls:+--cacert "$tls/ca.pem"} "$scheme://127.0.0.1:$port/$bucket" || true)
    case $answer in 200 | 409) return ;; esac
    is_running "$home/pid" || { tail -n 20 "$home/log/$name.log" >&2; fail "$name ended while it started"; }
    sleep 0.2
  done
  fail "$name does not answer, see $home/log"
}

# The daemons of a cluster race while they start (seen: a Ceph OSD that spoke before it knew its monitor, "wrong fsid"), so a
# start that failed is tried again, and each failure is told.
start_peer() {
  local attempt
  for attempt in 1 2 3; do
    if "$peer" start --port "$port" >/dev/null; then return; fi
    { echo "s3.sh: $name did not start, attempt $attempt of 3:"; tail -qn 10 "$home"/log/start.log; } >&2 || true
    "$peer" stop --port "$port" || true
  done
  fail "$name did not start, see $home/log"
}

case $verb in
  start)
    if [ -n "$peer" ]; then start_peer; else start_own; fi
    printf 'export %s\n' AWS_ENDPOINT_URL="$scheme://127.0.0.1:$port" AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_REGION=$region \
      AWS_ALLOW_HTTP=true ALLUVIUM_S3_BUCKET=$bucket
    ;;
  kill) for file in $(pid_files); do end_with KILL "$file"; done ;;
  stop) if [ -n "$peer" ]; then "$peer" stop --port "$port"; else end_with TERM "$home/pid"; fi ;;
  remove)
    if [ -n "$peer" ]; then "$peer" stop --port "$port"; else end_with TERM "$home/pid"; fi
    rm -rf "${home:?}"
    ;;
  logs) echo "$home/log" ;;
  *) usage ;;
esac
