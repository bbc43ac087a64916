// Logs in to a server as the official TypeScript SDK does, and says as JSON what came of it.
//
//     MCPDEPLOY_TEST_PASSWORD=… node ts_login.mjs URL --user NAME
//         [--host 127.0.0.1|localhost] [--client-metadata-url URL] [--deny] [--keyboard] [--shots DIR]
//
// The SDK discovers, registers, exchanges and refreshes by itself; a person in headless Chromium does
// the rest (browser.py). Calls the first tool whose arguments are plain values twice: after the login,
// and with a token that the server refuses. Prints what python_login.py prints, but for `restart`, and
// ends with 1 and a reason when the login fails.
//
// Needs what install.py installs, and the Node that it names.

import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

import { argumentsFor } from './plain.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const HOME = resolve(process.env.MCPDEPLOY_CLIENTS || join(HERE, '..', '..', 'target', 'clients'));
// Of one request. Longer than any gateway waits.
const TIMEOUT_MS = 40_000;
const CALLBACK = '/callback';
// What of the answer and of the claims is worth being seen.
const ANSWER = ['error', 'error_description', 'iss'];
const CLAIMS = ['aud', 'client_id', 'iss', 'scope', 'token_use', 'version'];

// Modules are not looked for beside this file.
const load = createRequire(join(HOME, 'node', 'package.json'));

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

const pick = (all, names) => Object.fromEntries(names.filter((n) => n in all).map((n) => [n, all[n]]));

/** What the token says; its signature is the gateway's to check. */
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** The loopback address that the client is returned to, at a port of its own. */
async function listen(host) {
  let answered;
  const answer = new Promise((done) => (answered = done));
  const server = createServer((request, response) => {
    const asked = new URL(request.url, 'http://localhost');
    const back = asked.pathname === CALLBACK;
    if (back) answered(Object.fromEntries(asked.searchParams));
    response.writeHead(back ? 200 : 404, { 'Content-Type': 'text/html' });
    response.end('<h1>You can close this window</h1>');
  });
  await new Promise((done) => server.listen(0, host, done));
  return { uri: `http://${host}:${server.address().port}${CALLBACK}`, answer, server };
}

/** Keeps in memory what a client would keep in a file, and sends the person to the browser. */
class Provider {
  constructor(given, redirectUrl, visit) {
    this.redirectUrl = redirectUrl;
    this.clientMetadataUrl = given['client-metadata-url'];
    this.given = given;
    this.visit = visit;
  }

  get clientMetadata() {
    return {
      client_name: 'TypeScript SDK',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state = () => (this.sent ??= crypto.randomUUID());
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);

  async redirectToAuthorization(url) {
    const { given } = this;
    const options = ['deny', 'keyboard'].filter((name) => given[name]).map((name) => `--${name}`);
    if (given.shots) options.push('--shots', given.shots);
    const args = [join(HERE, 'browser.py'), String(url), '--user', given.user, ...options];
    const { stdout } = await promisify(execFile)('python3', args).catch((error) => {
      throw new Error(error.stderr || error);
    });
    this.visit.pages.push(...JSON.parse(stdout).pages);
  }
}

async function use(url, given, visit) {
  const { Client } = load('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = load('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { UnauthorizedError } = load('@modelcontextprotocol/sdk/client/auth.js');
  const options = { timeout: TIMEOUT_MS };
  const { uri, answer, server } = await listen(given.host);
  const provider = new Provider(given, uri, visit);
  const noting = async (asked, init) => {
    const response = await fetch(asked, init);
    visit.requests.push(`${init?.method ?? 'GET'} ${new URL(asked).pathname} ${response.status}`);
    return response;
  };
  const transport = () =>
    new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, fetch: noting });
  const client = () => new Client({ name: 'ts-login', version: '1.0.0' });

  const first = transport();
  const failed = await client()
    .connect(first, options)
    .then(() => 'the server lets in without a token', (error) => error);
  if (!(failed instanceof UnauthorizedError)) throw failed;
  const back = await answer;
  server.close();
  const { client: registered } = provider;
  const said = {
    registered: {
      by: registered.client_id === given['client-metadata-url'] ? 'document' : 'registration',
      method: registered.token_endpoint_auth_method ?? null,
      secret: registered.client_secret !== undefined,
      scope: registered.scope ?? null,
    },
    callback: pick(back, ANSWER),
    pages: visit.pages,
    requests: visit.requests,
  };
  if (given.deny) {
    if (back.code) throw new Error('nobody agreed, and still there is a code');
    return said;
  }
  if (back.state !== provider.sent) throw new Error('the state that came back is another');
  if (!back.code) throw new Error(`there is no code: ${back.error}: ${back.error_description}`);
  await first.finishAuth(back.code);

  const token = provider.kept;
  const connection = transport();
  const user = client();
  await user.connect(connection, options);
  const { tools } = await user.listTools({}, options);
  const tool = tools.find((one) => argumentsFor(one.inputSchema));
  const request = { name: tool.name, arguments: argumentsFor(tool.inputSchema) };
  const call = async () => {
    const result = await user.callTool(request, undefined, options);
    return { tool: tool.name, failed: result.isError ?? false, text: result.content.map((c) => c.text) };
  };
  const calls = { login: await call() };
  // The signature's first letter is another: as good as expired.
  const at = token.access_token.lastIndexOf('.') + 1;
  const other = token.access_token[at] === 'A' ? 'B' : 'A';
  const bad = token.access_token.slice(0, at) + other + token.access_token.slice(at + 1);
  provider.kept = { ...token, access_token: bad };
  calls.refresh = await call();
  await user.close();

  const [before, after] = [claims(token.access_token), claims(provider.kept.access_token)];
  return {
    protocolVersion: connection.protocolVersion,
    ...said,
    calls,
    token: {
      type: token.token_type,
      expiresIn: token.expires_in,
      scope: token.scope,
      refreshable: token.refresh_token !== undefined,
    },
    claims: pick(before, CLAIMS),
    refresh: {
      newToken: before.jti !== after.jti,
      sameLogin: before.origin_jti === after.origin_jti,
      sameClaims: CLAIMS.every((name) => before[name] === after[name]),
      refreshable: provider.kept.refresh_token !== undefined,
    },
  };
}

const text = (rest) => ({ type: 'string', ...rest });
const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    user: text(),
    host: text({ default: '127.0.0.1' }),
    'client-metadata-url': text(),
    deny: { type: 'boolean' },
    keyboard: { type: 'boolean' },
    shots: text(),
  },
});
if (positionals.length !== 1 || !given.user) fail('usage: node ts_login.mjs URL --user NAME');
const visit = { pages: [], requests: [] };
const found = await use(positionals[0], given, visit).catch((error) =>
  fail(`failed to log in to ${positionals[0]}: ${error}\nIt had asked:\n${visit.requests.join('\n')}`),
);
// The SDK's timers would keep the process for some seconds more.
process.stdout.write(`${JSON.stringify(found, null, 2)}\n`, () => process.exit(0));
