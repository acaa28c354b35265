#!/bin/sh
# Installs what `make test-all` needs beyond `make test`, on Debian as root: PostgreSQL 15, the
# oldest supported version. Where it cannot, it says what is missing and fails.
set -eu

if [ -x "${PG15:-/usr/lib/postgresql/15/bin}/postgres" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "PostgreSQL 15 is missing: install it, or run this as root on Debian 12" >&2
    echo "(make test-all PG15=/path/to/postgresql-15/bin names another place)" >&2
    exit 1
fi
# The programs alone are wanted, no server of the machine's own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
apt-get update
apt-get install --yes --no-install-recommends postgresql-15
