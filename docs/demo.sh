#!/usr/bin/env bash
# The demo: an MCP server from its source to an endpoint that is called, and gone again. The cloud is
# the embedded one: no account, no Docker, nothing to install but Rust.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "1. Build mcpdeploy"
cargo build --locked -p mcpdeploy
rustup target add x86_64-unknown-linux-musl >/dev/null 2>&1 || true

# The demo's own copy of the calculator: no state is left in the checkout.
work=$(mktemp -d)
cp -r fixtures/calculator "$work/calculator"
rm -rf "$work/calculator/.pmcp/build" "$work/calculator/.pmcp/deployments" "$work/calculator/.pmcp/local"
cd "$work/calculator"
mcpdeploy() { "$root/target/debug/mcpdeploy" "$@"; }
# The cloud ends with the demo, whatever happens to it.
trap 'mcpdeploy local down --quiet >/dev/null || true; rm -rf "$work"' EXIT

say "2. Build the calculator for Lambda (the first time takes a minute or two)"
CARGO_TARGET_DIR=$root/target/fixtures mcpdeploy build

say "3. Plan and apply: mcpdeploy --local apply"
mcpdeploy --local apply --auto-approve

say "4. Try the endpoint as MCP clients do: mcpdeploy --local test"
mcpdeploy --local test

if command -v curl >/dev/null; then
    say "5. Call its tool add"
    url=$(mcpdeploy --local output mcp_url --raw)
    request='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":40}}}'
    echo "POST $url"
    echo "  $request"
    answer=$(curl --silent --show-error --fail "$url" --data "$request" \
        --header 'Content-Type: application/json' \
        --header 'Accept: application/json, text/event-stream' \
        --header 'MCP-Protocol-Version: 2025-11-25')
    echo "  $answer"
    case $answer in *42*) ;; *) echo "that is not 42" >&2; exit 1 ;; esac
fi

say "6. Plan again: nothing to do"
mcpdeploy --local plan --detailed-exitcode

say "7. Destroy, and end the cloud"
mcpdeploy --local destroy --auto-approve
mcpdeploy local down
