#!/usr/bin/env python3
"""Puts an executable into a function as its bootstrap, as it is, and invokes it.

    invoke.py ENDPOINT FUNCTION BOOTSTRAP

Prints one JSON object: the error's kind, the payload, and the end of the log.
"""

import base64
import io
import json
import sys
import zipfile

import boto3
from botocore.config import Config

endpoint, function, bootstrap = sys.argv[1:]
client = boto3.client(
    "lambda",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 0}, read_timeout=60),
)
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    with open(bootstrap, "rb") as file:
        archive.writestr(entry, file.read())
client.update_function_code(FunctionName=function, ZipFile=package.getvalue())
client.get_waiter("function_updated_v2").wait(FunctionName=function)
answer = client.invoke(FunctionName=function, LogType="Tail", Payload=b"{}")
print(
    json.dumps(
        {
            "error": answer.get("FunctionError"),
            "payload": json.loads(answer["Payload"].read()),
            "log": base64.b64decode(answer.get("LogResult", "")).decode(),
        }
    )
)
