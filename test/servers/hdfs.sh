#!/usr/bin/env bash
# A real HDFS for the tests, on the loopback address only: Hadoop 3.4.2 from Maven in one JVM. Needs Java 17 and Maven.
#
#   test/servers/hdfs.sh start MODE NAME [key=value...]   starts it and prints where it is; key=value: Hadoop settings
#   test/servers/hdfs.sh kill NAME                        ends it at once (SIGKILL), as a crash does; start goes on with the same files
#                                                         (not with ha: the mini cluster begins its shared edits anew)
#   test/servers/hdfs.sh pause NAME | resume NAME         SIGSTOP and SIGCONT: connections are accepted and never answered
#   test/servers/hdfs.sh ctl NAME COMMAND...              what the head of hdfs/TestHdfs.java lists, such as: failover, safemode on
#   test/servers/hdfs.sh stop NAME                        ends it
#   test/servers/hdfs.sh remove NAME                      ends it and removes its files and logs
#   test/servers/hdfs.sh logs NAME                        the file of its log
#
# MODE: plain, ha (two namenodes), httpfs, kerberos, tls (https alone, by an authority whose certificate it says the file of: ca=). NAME is yours to choose; ports are free ones.
# State is kept below ALLUVIUM_SERVERS (~/.cache/alluvium-servers). The jars (110 MB) are fetched once, into Maven's own folder.
set -euo pipefail

usage() { sed -n '3,16s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "hdfs.sh: $*" >&2; exit 1; }

[ $# -ge 2 ] || usage
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/hdfs" && pwd)
cache=${ALLUVIUM_SERVERS:-$HOME/.cache/alluvium-servers}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
verb=$1
if [ "$verb" = start ]; then
  [ $# -ge 3 ] || usage
  mode=$2 name=$3
  shift 3
  case $mode in plain | ha | httpfs | kerberos | tls) ;; *) usage ;; esac
else
  name=$2
  shift 2
fi
case $name in */* | .* | '') usage ;; esac
home=$cache/hdfs-$name

# A pid with the time it started: a number alone may be another process by now.
started_at() { awk '{ print $22 }' "/proc/$1/stat" 2>/dev/null || true; }
is_running() {
  local pid start
  [ -s "$home/pid" ] && read -r pid start <"$home/pid" && [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}
signal() { # SIGNAL
  local pid _
  is_running || return 0
  read -r pid _ <"$home/pid"
  kill "-$1" "$pid" 2>/dev/null || true
}
end_with() { # SIGNAL
  signal "$1"
  for _ in $(seq 100); do is_running || break; sleep 0.05; done
  signal KILL
  for _ in $(seq 100); do is_running || break; sleep 0.05; done
  rm -f "$home/pid" "$home/ready"
}

# Jars and the compiled program, once for each version of their sources.
build() {
  local version classes
  version=$(cat "$source/pom.xml" "$source/TestHdfs.java" | sha256sum | cut -c1-16)
  classes=$cache/hdfs-classes-$version
  if [ ! -e "$classes/done" ]; then
    command -v mvn >/dev/null || fail 'Maven is not on the PATH (Debian: apt-get install maven)'
    mkdir -p "$classes"
    mvn -B -q -f "$source/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath \
      -Dmdep.outputFile="$classes/classpath.$$" >&2 || fail 'Maven could not get the jars'
    mv "$classes/classpath.$$" "$classes/classpath"
    "${java}c" -nowarn -proc:none -d "$classes" -cp "$(cat "$classes/classpath")" "$source/TestHdfs.java" >&2 || fail 'TestHdfs.java does not compile'
    touch "$classes/done"
  fi
  echo "$classes:$(cat "$classes/classpath")"
}

start() {
  if ! is_running; then
    local classpath opens=() package
    classpath=$(build)
    mkdir -p "$home/conf" "$home/tmp"
    rm -f "$home/ready"
    printf 'log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.PatternLayout\nlog4j.appender.out.layout.ConversionPattern=%%d{ISO8601} %%-5p %%c{2} - %%m%%n\n' >"$home/conf/log4j.properties"
    if [ "$mode" = tls ] && [ ! -e "$home/tls/server.p12" ]; then
      "$source/../certificates.sh" "$home/tls"
      printf '<configuration>%s</configuration>\n' "$(for each in "keystore.location $home/tls/server.p12" 'keystore.type pkcs12' \
        'keystore.password alluvium' 'keystore.keypassword alluvium'; do
        printf '<property><name>ssl.server.%s</name><value>%s</value></property>' "${each%% *}" "${each#* }"
      done)" >"$home/conf/ssl-server.xml"
    fi
    for package in java.lang java.util java.net java.io java.nio sun.nio.ch; do opens+=("--add-opens=java.base/$package=ALL-UNNAMED"); done
    opens+=(--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED --add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED)
    cd "$home"
    setsid "$java" -Xmx512m -XX:+UseSerialGC "${opens[@]}" -Djava.io.tmpdir="$home/tmp" -Djava.net.preferIPv4Stack=true \
      -Dhttpfs.home.dir="$home" -Dhttpfs.config.dir="$home/conf" -Dhttpfs.log.dir="$home" -Dhttpfs.temp.dir="$home/tmp" \
      -cp "$home/conf:$classpath" TestHdfs "$mode" "$home" "$@" </dev/null >>"$home/server.log" 2>&1 &
    sleep 0.1
    echo "$! $(started_at $!)" >"$home/pid"
  fi
  for _ in $(seq 900); do
    if [ -s "$home/ready" ]; then cat "$home/ready"; return; fi
    is_running || { tail -n 30 "$home/server.log" >&2; fail "it ended while it started, see $home/server.log"; }
    sleep 0.2
  done
  fail "it does not answer, see $home/server.log"
}

case $verb in
  start) start "$@" ;;
  kill) end_with KILL ;;
  pause) signal STOP ;;
  resume) signal CONT ;;
  stop) end_with TERM ;;
  remove) end_with KILL; rm -rf "${home:?}" ;;
  logs) echo "$home/server.log" ;;
  ctl)
    is_running || fail "$name does not run"
    curl -sS -m 120 --fail-with-body -X POST --data-binary "$*" "$(sed -n 's/^control=//p' "$home/ready")"
    ;;
  *) usage ;;
esac
