#!/bin/sh
# make up, make down: starts and stops the three nodes of compose.yaml. With a Docker engine they are containers,
# otherwise processes on 127.0.0.2 to 127.0.0.4. `up` waits until the cluster is ready and prints it.
set -eu
cd "$(dirname "$0")/.."

local=$PWD/.make
nodes="meta-1 meta-2 meta-3"
# Seconds until `up` gives up. Forming takes about one second; a node that is not ready by then waits for something.
patience=${UP_TIMEOUT:-90}

say() { echo "$*"; }
die() { echo "make: $*" >&2; exit 1; }
engine() { docker version >/dev/null 2>&1; }

compose() {
  if docker compose version >/dev/null 2>&1; then
    docker compose "$@"
  elif command -v docker-compose >/dev/null 2>&1; then
    docker-compose "$@"
  else
    die "Docker is here but no Compose: install the package docker-compose-plugin (Docker's) or docker-compose (Debian's)"
  fi
}

# --- Nodes as containers. `at NODE WORDS…` runs a program of the image in a node.

at_container() {
  id=$(eval "echo \$id_$(echo "$1" | tr - _)")
  shift
  docker exec "$id" "$@"
}

up_containers() {
  at=at_container
  program=$(sh docker/compile.sh)
  IMAGE=${META_IMAGE:-influxdb-meta} sh docker/pack.sh "$program"
  compose up -d --no-build
  for node in $nodes; do
    id=$(compose ps -q "$node")
    [ -n "$id" ] || die "no container of $node: see \`$(compose_word) ps -a\`"
    eval "id_$(echo "$node" | tr - _)=$id"
  done
  wait_ready || { compose logs --tail 10; die "not ready after $patience s; the last log lines of the nodes are above"; }
  say
  at_container meta-1 influxd-ctl show
  next_of_containers
}

compose_word() {
  if docker compose version >/dev/null 2>&1; then echo "docker compose"; else echo docker-compose; fi
}

next_of_containers() {
  word=$(compose_word)
  one=$(compose port meta-1 8091)
  cat <<EOF

Three meta nodes are ready: $one, $(compose port meta-2 8091), $(compose port meta-3 8091)
  show it         $word exec meta-1 influxd-ctl show
  health          curl http://$one/healthz
  logs            $word logs -f
  stop one        $word stop meta-2     (the others go on; $word start meta-2 starts it again)
  stop all        make down             (keeps the data; $word --profile extra down -v deletes it)
EOF
}

# --- Nodes as processes.

address() { echo "127.0.0.$((${1#meta-} + 1))"; }

at_process() {
  node=$1
  shift
  program=$1
  shift
  case $program in
    influxd-ctl) "$local/bin/influxd-ctl" -bind "$(address "$node"):8091" "$@" ;;
    *) INFLUXDB_META_HTTP_BIND_ADDRESS="$(address "$node"):8091" INFLUXDB_META_CONFIG_PATH=/dev/null "$local/bin/$program" "$@" ;;
  esac
}

# Process id of a node, if that process is still the node: the number may belong to another process by now.
process() {
  pid=$(cat "$local/$1/pid" 2>/dev/null) || return 1
  [ "$(readlink "/proc/$pid/exe" 2>/dev/null | sed 's/ (deleted)$//')" = "$local/bin/influxd-meta" ] && echo "$pid"
}

start_process() {
  node=$1
  ip=$(address "$node")
  mkdir -p "$local/$node"
  env INFLUXDB_META_CONFIG_PATH=/dev/null \
    INFLUXDB_META_DIR="$local/$node/meta" \
    INFLUXDB_META_BIND_ADDRESS="$ip:8089" \
    INFLUXDB_META_HTTP_BIND_ADDRESS="$ip:8091" \
    INFLUXDB_META_PEERS=127.0.0.2,127.0.0.3,127.0.0.4 \
    INFLUXDB_META_CLUSTER_NAME=influxdb-meta \
    setsid "$local/bin/influxd-meta" </dev/null >>"$local/$node/log" 2>&1 &
  echo $! >"$local/$node/pid"
}

up_processes() {
  say "No Docker engine answers here: starting the three nodes as processes on 127.0.0.2 to 127.0.0.4."
  at=at_process
  built=$(sh docker/compile.sh)
  mkdir -p "$local/bin"
  # Replaced by a rename: the file of a running program cannot be written.
  cp "$built" "$local/bin/influxd-meta.new"
  mv -f "$local/bin/influxd-meta.new" "$local/bin/influxd-meta"
  ln -sf influxd-meta "$local/bin/influxd-ctl"
  for node in $nodes; do
    process "$node" >/dev/null || start_process "$node"
  done
  wait_ready || { tail -n 10 "$local"/meta-*/log; die "not ready after $patience s; the last log lines of the nodes are above"; }
  say
  at_process meta-1 influxd-ctl show
  cat <<EOF

Three meta nodes are ready: 127.0.0.2:8091, 127.0.0.3:8091, 127.0.0.4:8091
  show it         .make/bin/influxd-ctl -bind 127.0.0.2:8091 show
  health          curl http://127.0.0.2:8091/healthz
  logs            tail -f .make/meta-1/log
  stop all        make down             (keeps the data; make clean deletes it)
EOF
}

down_processes() {
  for node in $nodes; do
    pid=$(process "$node") || continue
    kill -TERM "$pid"
    left=100
    while process "$node" >/dev/null; do
      left=$((left - 1))
      [ $left -gt 0 ] || { say "$node (process $pid) does not stop on SIGTERM: killing it"; kill -KILL "$pid"; break; }
      sleep 0.1
    done
    rm -f "$local/$node/pid"
    say "stopped $node"
  done
}

# --- For both kinds.

# The sentence in a node's answer, or the whole answer if it has none.
sentence() {
  said=$(echo "$1" | tail -n 1)
  of_error=$(echo "$said" | sed -n 's/.*"error":"\([^"]*\)".*/\1/p')
  echo "${of_error:-$said}"
}

# Asks each node whether it is ready. Prints what it waits for whenever that changes.
wait_ready() {
  deadline=$(($(date +%s) + patience))
  shown=
  while :; do
    waiting=
    for node in $nodes; do
      why=$($at "$node" influxd-meta healthcheck --ready 2>&1) || waiting="$waiting
  $node: $(sentence "$why")"
    done
    [ -n "$waiting" ] || return 0
    [ "$waiting" = "$shown" ] || say "waiting:$waiting"
    shown=$waiting
    [ "$(date +%s)" -lt $deadline ] || return 1
    sleep 0.3
  done
}

case ${1:-} in
  up) if engine; then up_containers; else up_processes; fi ;;
  down)
    down_processes
    # A plain `down` does not stop the join-only nodes of the profile.
    if engine; then compose --profile extra down; fi
    ;;
  clean)
    down_processes
    rm -rf "$local"
    ;;
  *) die "compose/cluster.sh up|down|clean" ;;
esac
