#!/usr/bin/env python3
"""Uses a server as the official Python SDK does, and says as JSON what came of it.

    python_client.py URL [--mode auto|legacy]

`auto` negotiates the newest revision (2026-07-28), `legacy` starts with the `initialize` handshake.
Calls every tool whose required arguments are plain values, reads every resource, gets every prompt.
Prints `protocolVersion`, `server`, `tools` (name → `outcome`, and the answer), `resources` and
`prompts`. Ends with 1 and a reason when a call fails that should not: see known.json.

Runs itself again with the Python that install.py made.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

import install

HERE = Path(__file__).resolve().parent
# Of one request. Longer than any gateway waits.
TIMEOUT_S = 40.0
# Exact in binary, so that arithmetic on them is, too.
NUMBERS = (1.5, 0.5, 2.0, 4.0)
INTEGERS = (6, 3, 2, 1)


def plain(schema: dict, index: int) -> object:
    """A value for the property, or None where it takes more than a plain one."""
    if "enum" in schema:
        return schema["enum"][0]
    if "oneOf" in schema:
        return schema["oneOf"][0]["const"]
    kinds = schema.get("type")
    kind = next((k for k in kinds if k != "null"), None) if isinstance(kinds, list) else kinds
    match kind:
        case "string":
            return "text"
        case "number":
            return NUMBERS[index % len(NUMBERS)]
        case "integer":
            return INTEGERS[index % len(INTEGERS)]
        case "boolean":
            return True
        case _:
            return None


def arguments(schema: dict) -> dict | None:
    """Arguments of plain values, or None where a required one cannot be had."""
    chosen, numbers = {}, 0
    for name, prop in schema.get("properties", {}).items():
        value = plain(prop, numbers)
        if value is not None:
            chosen[name] = value
            numbers += isinstance(value, (int, float)) and not isinstance(value, bool)
    return chosen if all(name in chosen for name in schema.get("required", [])) else None


def filled_in(schema: dict) -> dict:
    """What a user puts into a form: its defaults, or anything."""
    values = {}
    for name, prop in schema.get("properties", {}).items():
        values[name] = prop["default"] if "default" in prop else plain(prop, 0)
    return {name: value for name, value in values.items() if value is not None}


async def use(url: str, mode: str) -> dict:
    """The whole visit."""
    from mcp import Client, MCPError, types

    async def elicit(_context, params):
        schema = getattr(params, "requested_schema", {})
        return types.ElicitResult(action="accept", content=filled_in(schema))

    async def sample(_context, _params):
        content = types.TextContent(type="text", text="Paris")
        return types.CreateMessageResult(role="assistant", content=content, model="none")

    async def roots(_context):
        return types.ListRootsResult(roots=[types.Root(uri="file:///workspace")])

    client = Client(
        url,
        mode=mode,
        read_timeout_seconds=TIMEOUT_S,
        elicitation_callback=elicit,
        sampling_callback=sample,
        list_roots_callback=roots,
    )

    def refused(error: MCPError) -> dict:
        # A request that ran out of time was not refused by the server.
        if error.error.code in (types.REQUEST_TIMEOUT, types.CONNECTION_CLOSED):
            raise error
        return {"outcome": "refused", "code": error.error.code, "message": error.error.message}

    async def call(tool) -> dict:
        given = arguments(tool.input_schema)
        if given is None:
            return {"outcome": "not called"}
        try:
            result = await client.call_tool(tool.name, given)
        except MCPError as error:
            return refused(error)
        texts = [part.text for part in result.content if part.type == "text"]
        outcome = {"outcome": "failed" if result.is_error else "answered", "text": texts}
        if result.structured_content is not None:
            outcome["structured"] = result.structured_content
        return outcome

    async with client:
        offered = client.server_capabilities
        tools = {tool.name: await call(tool) for tool in (await client.list_tools()).tools}
        resources, prompts = {}, {}
        if offered.resources:
            for resource in (await client.list_resources()).resources:
                read = await client.read_resource(str(resource.uri))
                resources[str(resource.uri)] = len(read.contents)
        if offered.prompts:
            for prompt in (await client.list_prompts()).prompts:
                words = {argument.name: "text" for argument in prompt.arguments or []}
                try:
                    got = await client.get_prompt(prompt.name, words)
                    prompts[prompt.name] = {"outcome": "answered", "messages": len(got.messages)}
                except MCPError as error:
                    prompts[prompt.name] = refused(error)
        server = client.server_info
        return {
            "protocolVersion": client.protocol_version,
            "server": {"name": server.name, "version": server.version} if server else None,
            "tools": tools,
            "resources": resources,
            "prompts": prompts,
        }


def complaint(found: dict) -> str | None:
    """What is wrong with what came of it."""
    known = json.loads((HERE / "known.json").read_text())
    if not found["tools"]:
        return "the server lists no tool"
    for name, call in (found["tools"] | found["prompts"]).items():
        should = "failed" if name in known["fail"] else "answered"
        if name not in known["depend"] and call["outcome"] not in (should, "not called"):
            return f"{name} should have {should}: {json.dumps(call)}"
    return None


def main() -> None:
    """Reads the command line, visits, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--mode", choices=("auto", "legacy"), default="auto")
    given = parser.parse_args()
    python = install.ensure()["python"]
    if Path(sys.prefix) != Path(python).parent.parent:
        os.execv(python, [python, str(HERE / "python_client.py"), *sys.argv[1:]])
    try:
        found = asyncio.run(use(given.url, given.mode))
    except Exception as error:  # whatever the SDK raises is the reason
        sys.exit(f"failed to use {given.url}: {reasons(error)}")
    print(json.dumps(found, indent=2))
    if wrong := complaint(found):
        sys.exit(wrong)


def reasons(error: BaseException) -> str:
    """Groups of errors say nothing by themselves."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(reasons(inner) for inner in error.exceptions)
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
