#!/bin/sh
# Installs what `make test-all` needs beyond `make test`, on Debian as root: PostgreSQL 15 and
# nginx 1.22, the oldest supported versions, Chromium for the pages, and curl, without which
# `make test` leaves the documentation's examples out. Where it cannot, it says what is missing and
# fails. `install-tools.sh fleet` installs what tests/fleet needs, and no more.
set -eu

missing=
# Hosts of a fleet take root.
if [ "$(id -u)" = 0 ] || [ "${1:-}" = fleet ]; then
    command -v systemd-nspawn >/dev/null || missing="systemd-container"
    command -v mmdebstrap >/dev/null || missing="$missing mmdebstrap"
    command -v dpkg-scanpackages >/dev/null || missing="$missing dpkg-dev"
    command -v ip >/dev/null || missing="$missing iproute2"
    command -v ssh-keygen >/dev/null || missing="$missing openssh-client"
    command -v rsync >/dev/null || missing="$missing rsync"
    command -v openssl >/dev/null || missing="$missing openssl"
fi
if [ "${1:-}" != fleet ]; then
    [ -x "${PG15:-/usr/lib/postgresql/15/bin}/postgres" ] || missing="$missing postgresql-15"
    # The fonts are for machines without any, where a page would have no letters.
    command -v chromium >/dev/null || missing="$missing chromium fonts-liberation"
    PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$missing nginx"
    command -v curl >/dev/null || missing="$missing curl"
    # The load generator of the benchmarks, and what their peers run on.
    command -v wrk >/dev/null || missing="$missing wrk"
    command -v node >/dev/null || missing="$missing nodejs"
    command -v npm >/dev/null || missing="$missing npm"
fi
if [ -z "$missing" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Missing: $missing. Install it, or run this as root on Debian 12" >&2
    echo "(make test-all PG15=/path/to/postgresql-15/bin names another place for PostgreSQL)" >&2
    exit 1
fi
# The programs alone are wanted, no server of the machine's own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' HUP INT TERM  # which runs that too
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
fi
apt-get update
# shellcheck disable=SC2086  # a list
apt-get install --yes --no-install-recommends $missing
case $missing in
*nginx*) systemctl disable --quiet nginx || true ;;
esac
