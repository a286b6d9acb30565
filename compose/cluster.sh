#!/bin/sh
# make up, make down: starts and stops the three nodes of compose.yaml. With a Docker engine they are containers,
# otherwise processes on 127.0.0.2 to 127.0.0.4. `up` waits until the cluster is ready and prints it. Compose runs in
# this folder, so that it reads the files and the .env that it reads for a user who types a line here.
#   DATA=1       two data nodes of the image DATA_IMAGE as well (containers only)
#   UP_TIMEOUT   seconds until `up` gives up. Forming takes about one second
#   META_NET     the first three numbers of the processes' addresses
set -eu
cd "$(dirname "$0")/.."

nodes="meta-1 meta-2 meta-3"
timeout=${UP_TIMEOUT:-90}
settings=compose/.env
# Nodes that this run has started. They are stopped if it fails.
started=

say() { echo "$*"; }
die() { echo "make: $*" >&2; exit 1; }
engine() { docker version >/dev/null 2>&1; }

# --- Settings: from the environment, else from compose/.env, as compose reads them.

from_file() { [ ! -f $settings ] || sed -n "s/^$1=//p" $settings | tail -n 1 | sed "s/^\(['\"]\)\(.*\)\1\$/\2/"; }

setting() {
  value=$(printenv "$1" || from_file "$1")
  echo "${value:-${2:-}}"
}

# Exports the settings of the nodes that the file has. Compose would read them from there; processes do not.
export_file() {
  [ -f $settings ] || return 0
  for name in $(sed -n 's/^\(INFLUXDB_[A-Z_]*\)=.*/\1/p' $settings); do
    printenv "$name" >/dev/null || export "$name=$(from_file "$name")"
  done
}

# Variables that this script sets itself, for each node.
own="INFLUXDB_HOSTNAME INFLUXDB_META_DIR INFLUXDB_META_BIND_ADDRESS INFLUXDB_META_HTTP_BIND_ADDRESS
  INFLUXDB_META_PEERS INFLUXDB_META_BOOTSTRAP_EXPECT INFLUXDB_META_CONFIG_PATH"

refuse_own() {
  for name in $own; do
    [ -z "$(setting "$name")" ] || die "$name is set, but \`make up\` sets it for each node itself: unset it"
  done
}

# Refuses variables that compose.yaml does not pass on: ignored in silence, they would seem to be in force.
refuse_unknown() {
  for name in $(env | sed -n 's/^\(INFLUXDB_META_[A-Z_]*\)=..*/\1/p'); do
    grep -q "^    $name:" compose/compose.yaml ||
      die "$name is set, but compose/compose.yaml does not pass it to the nodes: add it there, or unset it"
  done
}

need_secret() {
  [ -z "$(setting INFLUXDB_META_INTERNAL_SHARED_SECRET)$(setting INFLUXDB_META_INTERNAL_SHARED_SECRET_FILE)" ] || return 0
  secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  umask_before=$(umask)
  umask 077
  # A file may end in the middle of a line.
  [ -z "$(tail -c 1 $settings 2>/dev/null)" ] || echo >>$settings
  echo "INFLUXDB_META_INTERNAL_SHARED_SECRET=$secret" >>$settings
  umask "$umask_before"
  chmod 600 $settings
  say "made a random shared secret for the nodes, in the file $settings (git ignores it)"
}

# Refuses to start a cluster without the settings of the file that earlier versions made in the root: the secret in it
# may be that of the volumes.
refuse_old_file() {
  [ -f $settings ] || ! grep -q '^INFLUXDB_META_\|^META_\|^COMPOSE_' .env 2>/dev/null ||
    die "settings are read from $settings now, not from .env: run \`mv .env $settings\` (or delete .env). To keep the volumes of the containers, see the CHANGELOG, \"Upgrade\""
}

# Flags for influxd-ctl, where callers must show who they are.
login() {
  [ "$(setting INFLUXDB_META_AUTH_ENABLED)" != true ] ||
    echo "-auth-type jwt -secret $(setting INFLUXDB_META_INTERNAL_SHARED_SECRET)"
}

# --- Ports, from /proc. Where it is missing (Docker on another system) no port is found to be taken.

# Inodes of the sockets that listen on an IPv4 address and port, on all addresses included.
listeners() {
  port=$(printf '%04X' "$2")
  # shellcheck disable=SC2046 # Four words on purpose.
  ip=$(printf '%02X' $(echo "$1" | awk -F . '{ print $4, $3, $2, $1 }'))
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$port" -v ip="$ip" '
    BEGIN { any = "00000000000000000000000000000000" }
    $4 == "0A" && ($2 == ip ":" port || $2 == "00000000:" port || $2 == any ":" port || $2 == "0000000000000000FFFF0000" ip ":" port) { print $10 }'
}

# A process that has the socket with this inode open, and its program.
holder() {
  for fd in /proc/[0-9]*/fd; do
    if ls -l "$fd" 2>/dev/null | grep -q "socket:\[$1\]"; then
      pid=${fd#/proc/}
      pid=${pid%/fd}
      echo "process $pid ($(readlink "/proc/$pid/exe" 2>/dev/null | sed 's/ (deleted)$//' || echo unknown))"
      return
    fi
  done
  echo "another program"
}

# --- Nodes as containers. `at NODE WORDS…` runs a program of the image in a node.

compose_word() {
  if docker compose version >/dev/null 2>&1; then
    echo "docker compose"
  elif command -v docker-compose >/dev/null 2>&1; then
    echo docker-compose
  fi
}

compose() {
  (cd compose && $word "$@")
}

# Containers of the project, running or not, those of the profile included.
containers() { compose --profile extra ps -a -q "$@"; }

prepare_compose() {
  word=$(compose_word)
  [ -n "$word" ] ||
    die "Docker is here but no Compose: install the package docker-compose-plugin (Docker's) or docker-compose (Debian's)"
  # The beginning of the lines that are shown, for the root of the repository.
  line="$word -f compose/compose.yaml"
  name=$(printenv COMPOSE_PROJECT_NAME) || name=
  [ -z "$name" ] || line="$line -p $name"
}

at_container() {
  id=$(eval "echo \$id_$(echo "$1" | tr - _)")
  shift
  docker exec "$id" "$@"
}

# The variable and the port of a node on 127.0.0.1.
port_variable() { echo "META_PORT_${1#meta-}" | sed 's/_1$//'; }
port_of() {
  case $1 in
    meta-1) setting META_PORT 8091 ;;
    meta-2) setting META_PORT_2 18091 ;;
    meta-3) setting META_PORT_3 28091 ;;
  esac
}

# Another folder whose containers have the name of our project. Compose takes them for ours.
other_folder() {
  for id in $(containers); do
    other=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' "$id" 2>/dev/null) || continue
    other=$(cd "$other" 2>/dev/null && pwd -P) || continue
    if [ "$other" != "$(cd compose && pwd -P)" ]; then
      echo "$other"
      return
    fi
  done
}

is_running() { [ -n "$1" ] && [ "$(docker inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }

check_ports() {
  for node in $nodes; do
    port=$(port_of "$node")
    # Published by the node itself, which runs already.
    [ "$(compose port "$node" 8091 2>/dev/null)" != "127.0.0.1:$port" ] || continue
    inode=$(listeners 127.0.0.1 "$port" | head -n 1)
    [ -n "$inode" ] || continue
    by=$(docker ps --filter "publish=$port" --format '{{.Names}}' | head -n 1)
    die "port $port of $node is taken by ${by:+container $by}${by:-$(holder "$inode")}: stop that, or choose another port, such as \`make up $(port_variable "$node")=9091\` (or in $settings)"
  done
}

# Removes the containers of this run, which failed. Their data is in named volumes.
take_away() {
  for id in $(containers); do
    case " $before " in
      *" $id "*) ;;
      *) docker rm -f "$id" >/dev/null ;;
    esac
  done
  [ -n "$before" ] || compose down >/dev/null 2>&1 || true
}

up_containers() {
  prepare_compose
  refuse_unknown
  [ -z "${DATA:-}" ] || [ -n "$(setting DATA_IMAGE)" ] || die "DATA=1 needs the image of a data node: make up DATA=1 DATA_IMAGE=influxdb:data"
  at=at_container
  other=$(other_folder)
  [ -z "$other" ] ||
    die "the containers of this name belong to $other: set another name (COMPOSE_PROJECT_NAME) and other ports (META_PORT, META_PORT_2, META_PORT_3) in $settings"
  check_ports
  program=$(sh docker/compile.sh) ||
    die "the program is not compiled, for the reason above. Where a registry is reached, this compiles it in a container: cd compose && $word up -d"
  META_IMAGE=$(setting META_IMAGE "${IMAGE:-influxdb-meta}")
  export META_IMAGE
  IMAGE=$META_IMAGE sh docker/pack.sh "$program"
  need_secret
  before=$(containers | tr '\n' ' ')
  extra=$(containers meta-extra | wc -l)
  if [ "$extra" -gt 0 ]; then
    set -- --profile extra up -d --no-build --scale "meta-extra=$extra"
  else
    set -- up -d --no-build
  fi
  compose "$@" || {
    take_away
    die "the nodes did not start, for the reason above; containers of this start are removed. Ports are set by META_PORT, META_PORT_2 and META_PORT_3"
  }
  for node in $nodes; do
    id=$(compose ps -q "$node")
    [ -n "$id" ] || die "no container of $node: see \`$line ps -a\`"
    eval "id_$(echo "$node" | tr - _)=$id"
  done
  wait_ready || {
    compose logs --tail 10
    die "not ready after $timeout s (UP_TIMEOUT); the last log lines of the nodes are above. They go on; \`make down\` stops them"
  }
  say
  # shellcheck disable=SC2046 # Words on purpose.
  at_container meta-1 influxd-ctl $(login) show
  one=127.0.0.1:$(port_of meta-1)
  cat <<EOF

Three meta nodes are ready: $one, 127.0.0.1:$(port_of meta-2), 127.0.0.1:$(port_of meta-3)
  show it         $line exec meta-1 influxd-ctl show
  status page     http://$one/
  health          curl http://$one/healthz
  logs            $line logs -f
  stop one        $line stop meta-2     (the others go on)
  start it        $line start meta-2
  stop all        make down             (keeps the data)
  delete all      $(delete_line)
EOF
}

# Uses data.yaml, for commands that start nothing.
with_data() {
  export COMPOSE_FILE=compose.yaml:data.yaml DATA_IMAGE="${DATA_IMAGE:-none}"
}

data_containers() { (with_data && containers data-1 data-2); }

delete_line() {
  if [ -n "$(data_containers)" ]; then
    echo "DATA_IMAGE=none $line -f compose/data.yaml --profile extra down -v"
  else
    echo "$line --profile extra down -v"
  fi
}

down_containers() {
  prepare_compose
  other=$(other_folder)
  if [ -n "$other" ]; then
    say "no container of this folder runs; those of this name belong to $other"
    return
  fi
  # Data nodes are stopped with the others, if there are any.
  [ -z "$(data_containers)" ] || with_data
  running=
  for id in $(containers); do
    ! is_running "$id" || running="$running $(docker inspect --format '{{.Name}}' "$id" | sed 's|^/||')"
  done
  # A volume without a name is lost with its container, and such a node may have been given a vote.
  if [ -n "$(containers meta-extra)" ]; then
    compose --profile extra stop
    say "The containers of meta-extra are kept, because their volumes have no name. \`make up\` starts them again."
    say "\`$(delete_line)\` deletes them and all data."
  elif [ -n "$(containers)" ]; then
    compose down
  fi
  if [ -n "$running" ]; then
    say "stopped:$running (the data stays in volumes)"
  else
    say "no container of this folder runs"
  fi
}

# --- Nodes as processes.

local=$PWD/.make
net=${META_NET:-127.0.0}

address() { echo "$net.$((${1#meta-} + 1))"; }

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

check_addresses() {
  for node in $nodes; do
    ! process "$node" >/dev/null || continue
    for port in 8091 8089; do
      inode=$(listeners "$(address "$node")" $port | head -n 1)
      [ -z "$inode" ] ||
        die "$(address "$node"):$port is taken by $(holder "$inode"): stop that, or choose other addresses, such as \`make up META_NET=127.0.1\`"
    done
  done
}

# Succeeds if the node's own process is what listens on its address.
is_own() {
  pid=$(process "$1") || return 1
  inode=$(listeners "$(address "$1")" 8091 | head -n 1)
  [ -n "$inode" ] && ls -l "/proc/$pid/fd" | grep -q "socket:\[$inode\]"
}

start_process() {
  node=$1
  ip=$(address "$node")
  mkdir -p "$local/$node"
  env INFLUXDB_META_CONFIG_PATH=/dev/null \
    INFLUXDB_META_DIR="$local/$node/meta" \
    INFLUXDB_META_BIND_ADDRESS="$ip:8089" \
    INFLUXDB_META_HTTP_BIND_ADDRESS="$ip:8091" \
    INFLUXDB_META_PEERS="$net.2,$net.3,$net.4" \
    INFLUXDB_META_CLUSTER_NAME="${INFLUXDB_META_CLUSTER_NAME:-influxdb-meta}" \
    setsid "$local/bin/influxd-meta" </dev/null >>"$local/$node/log" 2>&1 &
  echo $! >"$local/$node/pid"
  started="$started $node"
}

# Stops the nodes of this run, and says why one of them ended.
ended() {
  tail -n 5 "$local/$1/log" >&2
  for node in $started; do stop_process "$node"; done
  die "$1 ended; the end of its log is above. The nodes that this start had started are stopped again"
}

up_processes() {
  [ -z "${DATA:-}" ] || die "DATA=1 needs a Docker engine, and none answers here"
  say "No Docker engine answers here: starting the three nodes as processes on $net.2 to $net.4."
  at=at_process
  check_addresses
  built=$(sh docker/compile.sh)
  need_secret
  export_file
  mkdir -p "$local/bin"
  # Replaced by a rename: the file of a running program cannot be written.
  cp "$built" "$local/bin/influxd-meta.new"
  mv -f "$local/bin/influxd-meta.new" "$local/bin/influxd-meta"
  ln -sf influxd-meta "$local/bin/influxd-ctl"
  for node in $nodes; do
    process "$node" >/dev/null || start_process "$node"
  done
  wait_ready || {
    tail -n 10 "$local"/meta-*/log
    die "not ready after $timeout s (UP_TIMEOUT); the last log lines of the nodes are above. They go on; \`make down\` stops them"
  }
  say
  # shellcheck disable=SC2046 # Words on purpose.
  at_process meta-1 influxd-ctl $(login) show
  cat <<EOF

Three meta nodes are ready: $net.2:8091, $net.3:8091, $net.4:8091
  show it         .make/bin/influxd-ctl -bind $net.2:8091 show
  status page     http://$net.2:8091/
  health          curl http://$net.2:8091/healthz
  logs            tail -f .make/meta-1/log
  stop all        make down             (keeps the data; make clean deletes it)
EOF
}

stop_process() {
  pid=$(process "$1") || return 1
  kill -TERM "$pid"
  left=100
  while process "$1" >/dev/null; do
    left=$((left - 1))
    [ $left -gt 0 ] || { say "$1 (process $pid) does not stop on SIGTERM: killing it"; kill -KILL "$pid"; break; }
    sleep 0.1
  done
  rm -f "$local/$1/pid"
}

down_processes() {
  stopped=
  for node in $nodes; do
    ! stop_process "$node" || stopped="$stopped $node"
  done
  [ -z "$stopped" ] || say "stopped the processes:$stopped (the data stays in .make)"
}

# --- For both kinds.

# The sentence in a node's answer, or the whole answer if it has none.
sentence() {
  said=$(echo "$1" | tail -n 1)
  of_error=$(echo "$said" | sed -nE 's/.*"error":"(([^"\\]|\\.)*)".*/\1/p' | sed 's/\\"/"/g')
  echo "${of_error:-$said}"
}

# Asks each node whether it is ready. Prints what it waits for whenever that changes. A process that has ended ends
# this at once, and only the node's own process counts as its answer.
wait_ready() {
  deadline=$(($(date +%s) + timeout))
  shown=
  while :; do
    waiting=
    for node in $nodes; do
      if [ $at = at_process ] && ! process "$node" >/dev/null; then ended "$node"; fi
      if why=$($at "$node" influxd-meta healthcheck --ready 2>&1); then
        [ $at != at_process ] || is_own "$node" || waiting="$waiting
  $node: another program answers at its address"
      else
        waiting="$waiting
  $node: $(sentence "$why")"
      fi
    done
    [ -n "$waiting" ] || return 0
    [ "$waiting" = "$shown" ] || say "waiting:$waiting"
    shown=$waiting
    [ "$(date +%s)" -lt $deadline ] || return 1
    sleep 0.3
  done
}

[ -z "${DATA:-}" ] || export COMPOSE_FILE="${COMPOSE_FILE:-compose.yaml:data.yaml}"
case ${1:-} in
  up)
    refuse_old_file
    refuse_own
    if engine; then up_containers; else up_processes; fi
    ;;
  down)
    down_processes
    if engine; then
      down_containers
    elif [ -z "$stopped" ]; then
      say "no node of this folder runs"
    fi
    ;;
  clean)
    down_processes
    rm -rf "$local"
    ;;
  *) die "compose/cluster.sh up|down|clean" ;;
esac
