#!/bin/sh
# Makes what is deployed, dist/products-ID.tar.gz: the wheel of a commit, the wheels of everything
# that it needs in the versions of constraints.txt (hosts reach no registry), and the files that
# serve it. ID is the commit; the same commit gives the same bytes. Prints the file's path.
#
#   ansible/release.sh [COMMIT]              HEAD if none is named
#   ansible/release.sh --tree FOLDER ID      of a folder as it is, to try what is not committed
set -eu

cd "$(dirname "$0")/.."
pip=${PIP:-.venv/bin/pip}
# The hosts: Debian 12 on x86-64 (roles/common), with Python 3.11 and glibc 2.36.
python=3.11
machine=x86_64

fail() {
    echo "release: $*" >&2
    exit 1
}

if [ "${1:-}" = --tree ]; then
    [ $# = 3 ] || fail "usage: ansible/release.sh [COMMIT] | --tree FOLDER ID"
    source=$(cd "$2" && pwd)
    id=$3
    # hosts look at the ID alone: those that have it would keep what they have
    [ ! -e "dist/products-$id.tar.gz" ] || fail "dist/products-$id.tar.gz is there: choose another ID"
    SOURCE_DATE_EPOCH=0
else
    commit=$(git rev-parse --verify --quiet "${1:-HEAD}^{commit}") || fail "no commit ${1:-HEAD}"
    id=$(git rev-parse --short=12 "$commit")
    source=build/release/$id.source
    rm -rf "$source" && mkdir -p "$source"
    git archive "$commit" | tar -x -C "$source"
    SOURCE_DATE_EPOCH=$(git show --no-patch --format=%ct "$commit")
fi
# it is a folder's name on the hosts, and a word in commands
echo "$id" | grep -Eqx '[A-Za-z0-9][A-Za-z0-9._-]{0,63}' || fail "not fit for a folder's name: $id"
export SOURCE_DATE_EPOCH

folder=build/release/products-$id
rm -rf "$folder" && mkdir -p "$folder/wheels" dist
"$pip" wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$folder/wheels" "$source"
own=$(basename "$folder"/wheels/*.whl)

# What was fetched for the same locked versions is not fetched again.
locked=$(cat "$source/constraints.txt" "$source/setup.cfg" ansible/release.sh | sha256sum | cut -c 1-16)
wheelhouse=build/wheelhouse/$machine-$locked
if [ ! -d "$wheelhouse" ]; then
    rm -rf "$wheelhouse.new" && mkdir -p "$wheelhouse.new"
    "$pip" download --quiet --disable-pip-version-check --only-binary=:all: \
        --implementation cp --python-version "$python" --abi "cp$(echo $python | tr -d .)" \
        --abi abi3 --abi none \
        --platform "manylinux_2_34_$machine" --platform "manylinux_2_28_$machine" \
        --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" --platform any \
        --constraint "$source/constraints.txt" --dest "$wheelhouse.new" "$folder/wheels/$own"
    rm -f "$wheelhouse.new/$own"
    mv "$wheelhouse.new" "$wheelhouse"
fi
cp "$wheelhouse"/*.whl "$folder/wheels/"

# With these, pip on the host installs those very files or nothing.
(cd "$folder/wheels" && for wheel in *.whl; do
    echo "$wheel" | sed 's/^\([^-]*\)-\([^-]*\)-.*/\1==\2/' | tr '\n' ' '
    echo "--hash=sha256:$(sha256sum "$wheel" | cut -d ' ' -f 1)"
done >../requirements.txt)

cp -r "$source/wsgi.py" "$source/gunicorn.conf.py" "$source/migrations" \
    "$source/nginx.conf" "$source/nginx" "$folder/"
chmod -R u=rwX,go=rX "$folder"
file=dist/products-$id.tar.gz
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    -C build/release -c "products-$id" | gzip -n >"$file.new"
mv "$file.new" "$file"
rm -rf "$folder" "build/release/$id.source"
echo "$file"
