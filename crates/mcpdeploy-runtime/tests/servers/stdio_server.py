"""An MCP server of the era with a handshake, on stdio."""

import json
import os
import sys
import time

COUNT = 0
GREETED = 0


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def call(id, params):
    global COUNT
    COUNT += 1
    name = params.get("name")
    if name == "echo":
        # Numbers beyond what a double holds have to come back as they went in.
        send({"id": id, "result": text(json.dumps(params))})
    elif name == "pair":
        # The first of two waits for the second, which is answered first.
        other = json.loads(sys.stdin.readline())
        send({"id": other["id"], "result": text(other["params"]["arguments"]["words"])})
        send({"id": id, "result": text(params["arguments"]["words"])})
    elif name == "where":
        send({"id": id, "result": text(json.dumps({"pid": os.getpid(), "count": COUNT, "greeted": GREETED}))})
    elif name == "exact":
        print('{"jsonrpc": "2.0", "id": %d, "result": {"n": 123456789012345678901234567890.10, "content": []}}' % id, flush=True)
    elif name == "die":
        print("dying", file=sys.stderr, flush=True)
        os._exit(3)
    elif name == "hang":
        time.sleep(3600)
    elif name == "noise":
        print("no message at all", flush=True)
        send({"method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
        send({"id": 999999, "result": {}})
        send({"id": id, "result": text("after the noise")})
    elif name == "ask":
        send({"id": "mine", "method": "sampling/createMessage", "params": {}})
        answer = json.loads(sys.stdin.readline())
        send({"id": "mine-2", "method": "ping"})
        ping = json.loads(sys.stdin.readline())
        send({"id": id, "result": text(json.dumps([answer, ping]))})
    elif name == "flood":
        sys.stdout.write("x" * (9 * 1024 * 1024))
        sys.stdout.flush()
        time.sleep(3600)
    else:
        send({"id": id, "error": {"code": -32602, "message": "no such tool"}})


def main():
    global GREETED
    print("started", file=sys.stderr, flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        id, method, params = message.get("id"), message.get("method"), message.get("params") or {}
        if method == "initialize":
            GREETED += 1
            send({"id": id, "result": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "logging": {}},
                "serverInfo": {"name": "stdio-test", "version": "1.2.3"},
                "instructions": "be kind",
            }})
        elif method == "notifications/initialized":
            GREETED += 100
        elif method == "notifications/custom":
            print("told " + json.dumps(params), file=sys.stderr, flush=True)
        elif method == "ping":
            send({"id": id, "result": {}})
        elif method == "tools/list":
            send({"id": id, "result": {"tools": [
                {
                    "name": "echo",
                    "description": "says what it was asked",
                    "inputSchema": {"type": "object"},
                    "annotations": {"readOnlyHint": True},
                },
            ]}})
        elif method == "tools/call":
            call(id, params)
        elif method in ("resources/list", "resources/templates/list"):
            of = "resources" if method == "resources/list" else "resourceTemplates"
            send({"id": id, "result": {of: []}})
        elif method == "resources/read":
            send({"id": id, "error": {"code": -32002, "message": "no such resource", "data": {"uri": params.get("uri")}}})
        elif id is not None:
            send({"id": id, "error": {"code": -32601, "message": "unknown method " + str(method)}})


main()
