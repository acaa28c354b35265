#!/bin/sh
# Installs what `make test-all` needs beyond `make test`, on Debian as root: PostgreSQL 15 and
# nginx 1.22, the oldest supported versions, and Chromium for the pages. Where it cannot, it says
# what is missing and fails.
set -eu

missing=
[ -x "${PG15:-/usr/lib/postgresql/15/bin}/postgres" ] || missing="postgresql-15"
# The fonts are for machines without any, where a page would have no letters.
command -v chromium >/dev/null || missing="$missing chromium fonts-liberation"
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$missing nginx"
# The load generator of the benchmarks, and what their peers run on.
command -v wrk >/dev/null || missing="$missing wrk"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
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
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
fi
apt-get update
# shellcheck disable=SC2086  # a list
apt-get install --yes --no-install-recommends $missing
case $missing in
*nginx*) systemctl disable --quiet nginx || true ;;
esac
