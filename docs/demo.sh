#!/usr/bin/env bash
# The demo: an MCP server from its source to a deployed endpoint, called, and gone again. The cloud
# is an emulator on loopback that really runs the function.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }

say "1. Build mcpdeploy"
cargo build --locked -p mcpdeploy
rustup target add x86_64-unknown-linux-musl >/dev/null 2>&1 || true
mcpdeploy=$root/target/debug/mcpdeploy

# The demo's own copy of the calculator: no state is left in the checkout.
work=$(mktemp -d)
cp -r fixtures/calculator "$work/calculator"
rm -rf "$work/calculator/.pmcp/build" "$work/calculator/.pmcp/deployments"
deploy() { (cd "$work/calculator" && "$mcpdeploy" "$@"); }

say "2. Start a cloud on loopback"
mkfifo "$work/life"
python3 tests/emulators/run.py ministack <"$work/life" >"$work/told" &
exec 9>"$work/life" # the emulator ends when this closes, whatever happens to this script
trap 'exec 9>&-; wait || true; rm -rf "$work"' EXIT
until [ -s "$work/told" ]; do sleep 0.1; kill -0 $! || exit 1; done
endpoint=$(sed 's/.*"endpoint": "\([^"]*\)".*/\1/' "$work/told")
echo "$endpoint"
export AWS_ENDPOINT_URL=$endpoint AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true

say "3. Build the calculator for Lambda (the first time takes a minute or two)"
CARGO_TARGET_DIR=$root/target/fixtures deploy build

say "4. Plan and apply"
deploy apply --auto-approve

say "5. Call tools/call add through the deployed endpoint"
url=$(deploy output mcp_url --raw)
request='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":40}}}'
echo "POST $url"
echo "  $request"
answer=$(python3 docs/call.py "$url" "$request")
echo "  $answer"
case $answer in *42*) ;; *) echo "that is not 42" >&2; exit 1 ;; esac

say "6. Plan again: nothing to do"
deploy plan

say "7. Destroy"
deploy destroy --auto-approve
