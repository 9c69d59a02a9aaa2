# Sourced by ./highwater and ./test: finds what is missing, says what it installs, installs it.

# Installs packages by the system's package manager. Names are Debian's, then Fedora's if they differ.
install_packages() {
  local what=$1 debian=$2 fedora=$3 sudo=
  if [ "$(id -u)" != 0 ]; then
    sudo=sudo
  fi
  if command -v apt-get >/dev/null; then
    echo "highwater: installing $what: apt-get install $debian" >&2
    $sudo apt-get update -qq >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $debian >&2
  elif command -v dnf >/dev/null; then
    echo "highwater: installing $what: dnf install $fedora" >&2
    # shellcheck disable=SC2086
    $sudo dnf install -y -q $fedora >&2
  else
    echo "highwater: $what is missing; install it (Debian calls it: $debian) and run this again" >&2
    exit 4
  fi
}

need_build_tools() {
  if ! command -v cargo >/dev/null; then
    echo "highwater: no Rust toolchain (cargo) on the PATH; install one, version 1.95 or newer, and run this again" >&2
    exit 4
  fi
  if ! command -v cc >/dev/null || ! command -v c++ >/dev/null || ! command -v make >/dev/null; then
    install_packages "make and the C and C++ compilers, for librdkafka" "make gcc g++ libc6-dev" "make gcc gcc-c++"
  fi
  need_openssl
}

# TLS and SCRAM of librdkafka are those of the system's OpenSSL.
need_openssl() {
  if ! command -v pkg-config >/dev/null || ! pkg-config --exists openssl; then
    install_packages "OpenSSL's headers and pkg-config, for librdkafka" "pkg-config libssl-dev" "pkgconf-pkg-config openssl-devel"
  fi
}

# A JDK: one of the tests compiles a small application as it starts it.
need_java() {
  if ! command -v java >/dev/null || ! command -v mvn >/dev/null || ! java --list-modules | grep -q '^jdk\.compiler'; then
    install_packages "Java 17 with its compiler, and Maven, for Apache Kafka" "openjdk-17-jdk-headless maven" "java-17-openjdk-devel maven"
  fi
}

# Only its programs are used, on data and ports of Highwater's own; a server that the package starts is left alone.
need_postgres() {
  if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb >/dev/null 2>&1; then
    install_packages "PostgreSQL, to capture changes from" "postgresql" "postgresql-server"
  fi
}

need_kcat() {
  if ! command -v kcat >/dev/null; then
    install_packages "kcat, a client to test the broker with" "kcat" "kcat"
  fi
}

# Beside Kafka's own jars, which Highwater fetches. RocksDB is left out: state is kept in memory.
need_kafka_streams() {
  local version=4.3.1
  local tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
  local jars=$tools/kafka-streams-$version
  if [ ! -e "$jars/kafka-streams-$version.jar" ]; then
    echo "highwater: installing Kafka Streams $version (2 MB) into $jars: mvn dependency:copy" >&2
    mvn --quiet --batch-mode --strict-checksums org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
      -Dartifact=org.apache.kafka:kafka-streams:$version -DoutputDirectory="$jars" >&2
  fi
}

need_kafka_python() {
  local version=3.0.12
  local tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
  local environment=$tools/kafka-python-$version
  if [ ! -e "$environment/complete" ]; then
    if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
      install_packages "Python with virtual environments, for a client to test the broker with" "python3 python3-venv" "python3 python3-pip"
    fi
    echo "highwater: installing kafka-python $version into $environment: python3 -m venv, pip install" >&2
    python3 -m venv --clear "$environment" >&2
    "$environment/bin/pip" install --quiet --disable-pip-version-check "kafka-python==$version" >&2
    touch "$environment/complete"
  fi
}

need_browser() {
  if ! command -v chromium >/dev/null; then
    install_packages "Chromium, to open the HTML report" "chromium" "chromium"
  fi
}

# Into the target folder, so that nothing of the user's is touched.
need_cargo_deny() {
  if ! command -v cargo-deny >/dev/null; then
    local tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
    PATH=$tools/bin:$PATH
    if [ ! -x "$tools/bin/cargo-deny" ]; then
      echo "highwater: installing cargo-deny, to check licences and sources: cargo install cargo-deny --root $tools" >&2
      cargo install --quiet --locked --root "$tools" cargo-deny >&2
    fi
  fi
}
