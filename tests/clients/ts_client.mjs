// Uses a server as the official TypeScript SDK does, and says as JSON what came of it.
//
//     node ts_client.mjs URL
//
// The SDK speaks the revisions up to 2025-11-25. Calls every tool whose required arguments are plain
// values, reads every resource, gets every prompt. Prints what python_client.py prints, and ends
// with 1 and a reason when a call fails that should not: see known.json.
//
// Needs what install.py installs, and the Node that it names.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { argumentsFor, filledIn } from './plain.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const HOME = resolve(process.env.MCPDEPLOY_CLIENTS || join(HERE, '..', '..', 'target', 'clients'));
// Of one request. Longer than any gateway waits.
const TIMEOUT_MS = 40_000;

// Modules are not looked for beside this file.
const load = createRequire(join(HOME, 'node', 'package.json'));

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

async function use(url) {
  const { Client } = load('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = load('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const types = load('@modelcontextprotocol/sdk/types.js');
  const options = { timeout: TIMEOUT_MS };

  const client = new Client(
    { name: 'ts-client', version: '1.0.0' },
    { capabilities: { elicitation: {}, roots: {}, sampling: {} } },
  );
  client.setRequestHandler(types.ElicitRequestSchema, ({ params }) => ({
    action: 'accept',
    content: filledIn(params.requestedSchema),
  }));
  client.setRequestHandler(types.CreateMessageRequestSchema, () => ({
    role: 'assistant',
    content: { type: 'text', text: 'Paris' },
    model: 'none',
  }));
  client.setRequestHandler(types.ListRootsRequestSchema, () => ({
    roots: [{ uri: 'file:///workspace' }],
  }));

  // A request that ran out of time was not refused by the server.
  const refusal = (error) => {
    const ours = [types.ErrorCode.RequestTimeout, types.ErrorCode.ConnectionClosed];
    if (!(error instanceof types.McpError) || ours.includes(error.code)) throw error;
    return { outcome: 'refused', code: error.code, message: error.message };
  };
  const call = async (tool) => {
    const given = argumentsFor(tool.inputSchema);
    if (!given) return { outcome: 'not called' };
    try {
      const request = { name: tool.name, arguments: given };
      const result = await client.callTool(request, undefined, options);
      return {
        outcome: result.isError ? 'failed' : 'answered',
        text: result.content.filter((part) => part.type === 'text').map((part) => part.text),
        structured: result.structuredContent,
      };
    } catch (error) {
      return refusal(error);
    }
  };

  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport, options);
  try {
    const tools = {};
    for (const tool of (await client.listTools({}, options)).tools) tools[tool.name] = await call(tool);
    const resources = {};
    const offered = client.getServerCapabilities();
    if (offered.resources) {
      for (const { uri } of (await client.listResources({}, options)).resources) {
        resources[uri] = (await client.readResource({ uri }, options)).contents.length;
      }
    }
    const prompts = {};
    if (offered.prompts) {
      for (const prompt of (await client.listPrompts({}, options)).prompts) {
        const words = Object.fromEntries((prompt.arguments ?? []).map(({ name }) => [name, 'text']));
        try {
          const got = await client.getPrompt({ name: prompt.name, arguments: words }, options);
          prompts[prompt.name] = { outcome: 'answered', messages: got.messages.length };
        } catch (error) {
          prompts[prompt.name] = refusal(error);
        }
      }
    }
    const { name, version } = client.getServerVersion();
    return { protocolVersion: transport.protocolVersion, server: { name, version }, tools, resources, prompts };
  } finally {
    await transport.terminateSession();
    await client.close();
  }
}

/** What is wrong with what came of it. */
function complaint(found) {
  const known = JSON.parse(readFileSync(join(HERE, 'known.json'), 'utf8'));
  if (Object.keys(found.tools).length === 0) return 'the server lists no tool';
  for (const [name, call] of Object.entries({ ...found.tools, ...found.prompts })) {
    const should = known.fail.includes(name) ? 'failed' : 'answered';
    if (!known.depend.includes(name) && ![should, 'not called'].includes(call.outcome)) {
      return `${name} should have ${should}: ${JSON.stringify(call)}`;
    }
  }
  return undefined;
}

const [url, ...more] = process.argv.slice(2);
if (!url || more.length > 0) fail('usage: node ts_client.mjs URL');
const found = await use(url).catch((error) =>
  fail(`failed to use ${url}: ${error}${error?.cause ? ` (${error.cause})` : ''}`),
);
const wrong = complaint(found);
// The SDK's timers would keep the process for some seconds more.
process.stdout.write(`${JSON.stringify(found, null, 2)}\n`, () =>
  wrong ? fail(wrong) : process.exit(0),
);
