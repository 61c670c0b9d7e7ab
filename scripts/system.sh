#!/bin/bash
# The programs that the tests need beside Python: Universal Ctags (the reference that
# `kicklint coverage` is measured by), Graphviz (`kicklint show --format svg`), Chromium (which
# opens HTML reports), the shells that completion is for, groff (man pages) and the SARIF
# multitool (the validator of code scanning services), the last into .cache/node.
# Installs what is missing; exit status 0 when everything is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

MULTITOOL_VERSION=5.7.0

missing=()
if ! ctags --version 2>/dev/null | grep -q 'Universal Ctags'; then missing+=(universal-ctags); fi
command -v dot >/dev/null || missing+=(graphviz)
command -v chromium >/dev/null || missing+=(chromium)
for shell in zsh fish; do command -v "$shell" >/dev/null || missing+=("$shell"); done
command -v groff >/dev/null || missing+=(groff-base)
command -v npm >/dev/null || missing+=(npm)
# Debian ships the part of Python that makes virtual environments apart.
"${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if ((${#missing[@]})); then
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        echo "system: missing: ${missing[*]}; install them (as root: apt-get install ${missing[*]})" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >&2
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
fi

package=.cache/node/node_modules/@microsoft/sarif-multitool-linux
if [[ $(cat .cache/node/version 2>/dev/null || true) != "$MULTITOOL_VERSION" ]]; then
    rm -rf .cache/node
    mkdir -p .cache/node
    npm install --silent --no-audit --no-fund --no-save --prefix .cache/node \
        "@microsoft/sarif-multitool@$MULTITOOL_VERSION" >&2
    # npm does not run the package's own install script, which does this.
    chmod u+x "$package/Sarif.Multitool"
    echo "$MULTITOOL_VERSION" >.cache/node/version
fi
