"""An MCP server of the era without a handshake, and of no other, on stdio."""

import json
import sys

VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def refuse(id, code, why, **data):
    send({"id": id, "error": {"code": code, "message": why, **({"data": data} if data else {})}})


def text(words):
    return {"content": [{"type": "text", "text": words}], "resultType": "complete"}


def lists(of, items):
    return {of: items, "resultType": "complete", "ttlMs": 60000, "cacheScope": "public"}


TOOL = {
    "name": "echo",
    "description": "says what it was asked",
    "inputSchema": {"type": "object"},
    "annotations": {"readOnlyHint": True},
}


def answer(id, method, params):
    if method == "server/discover":
        send({"id": id, "result": {
            "supportedVersions": [VERSION],
            "capabilities": {"tools": {"listChanged": True}, "resources": {}},
            "instructions": "be modern",
            "_meta": {META + "serverInfo": {"name": "modern-only", "version": "2.0"}},
            "resultType": "complete", "ttlMs": 0, "cacheScope": "public",
        }})
    elif method == "tools/list":
        send({"id": id, "result": lists("tools", [TOOL])})
    elif method == "resources/list":
        send({"id": id, "result": lists("resources", [])})
    elif method == "resources/templates/list":
        send({"id": id, "result": lists("resourceTemplates", [])})
    elif method == "resources/read":
        refuse(id, -32602, "no such resource", uri=params.get("uri"))
    elif method == "tools/call" and params.get("name") == "echo":
        send({"id": id, "result": text(json.dumps(params))})
    elif method == "tools/call" and params.get("name") == "more":
        send({"id": id, "result": {"resultType": "input_required", "inputRequests": {}, "requestState": "s"}})
    elif method == "tools/call":
        refuse(id, -32602, "no such tool")
    else:
        refuse(id, -32601, "unknown method " + method)


def main():
    for line in sys.stdin:
        message = json.loads(line)
        id, method, params = message.get("id"), message["method"], message.get("params") or {}
        if id is None:
            continue
        meta = params.get("_meta") or {}
        if meta.get(META + "protocolVersion") != VERSION or not isinstance(meta.get(META + "clientCapabilities"), dict):
            refuse(id, -32022, "unsupported protocol version", supported=[VERSION])
        else:
            answer(id, method, params)


main()
