#!/usr/bin/env python3
"""Posts one JSON-RPC message to an MCP server on loopback and prints the answer.

    call.py URL MESSAGE

The host of the URL may be any name: the connection goes to 127.0.0.1.
"""

import http.client
import sys
from urllib.parse import urlsplit

url, message = urlsplit(sys.argv[1]), sys.argv[2]
connection = http.client.HTTPConnection("127.0.0.1", url.port or 80, timeout=30)
headers = {
    "Host": url.netloc,
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-11-25",
}
connection.request("POST", url.path, message, headers)
answer = connection.getresponse()
print(answer.read().decode())
sys.exit(0 if answer.status == 200 else 1)
