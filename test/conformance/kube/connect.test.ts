// From a kubeconfig to the cluster over real TLS: authorities, client certificates, tokens in files, exec plugins, rotation.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { connect as connectSocket } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { InvalidSpecError, RefusedError, TransientError } from '../../../src/errors.ts';
import { connectKube } from '../../../src/kube/connect.ts';
import type { ConnectedKube } from '../../../src/kube/connect.ts';
import { openCredentials } from '../../../src/kube/kubeconfig.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { createUndiciTransport } from '../../../src/kube/undici-transport.ts';
import { VirtualClock, seededRandom } from '../../support/virtual-clock.ts';
import { LittleServer, WIDGET } from './little-server.ts';

const A = refOf(WIDGET, 'shop', 'a');

interface Pair {
  readonly cert: string;
  readonly key: string;
}

let directory: string;
let server: Server;
let url: string;
let serverPair: Pair;
let otherPair: Pair;
let clientPair: Pair;
let connections = 0;
/** What the server knows of each request. */
let seen: { authorization: string | undefined; impersonated: unknown; certificate: string | undefined }[] = [];
let accepted: string | null = null;
const open: ConnectedKube[] = [];

async function makePair(name: string): Promise<Pair> {
  const altNames = [{ type: 7 as const, ip: '127.0.0.1' }];
  const made = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames },
    ],
  });
  return { cert: made.cert, key: made.private };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serin-kube-'));
  [serverPair, otherPair, clientPair] = (await Promise.all(['server', 'other', 'client'].map(makePair))) as [
    Pair,
    Pair,
    Pair,
  ];
  const little = new LittleServer();
  little.write('a');
  server = createServer({ ...serverPair, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate() as { subject?: { CN?: string } } | null;
    const { authorization } = request.headers;
    seen.push({ authorization, impersonated: request.headers['impersonate-user'], certificate: peer?.subject?.CN });
    if (accepted !== null && authorization !== accepted) {
      response
        .writeHead(401, { 'content-type': 'application/json' })
        .end('{"kind":"Status","code":401,"reason":"Unauthorized"}');
      return;
    }
    const target = new URL(request.url ?? '/', 'https://little');
    void little.handle({ method: request.method ?? '', url: target, headers: {}, body: '' }).then((reply) => {
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  server.on('secureConnection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const kube of open.splice(0)) await kube.close();
  seen = [];
  accepted = null;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

const file = async (name: string, text: string): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function kubeconfig(
  name: string,
  user: string,
  cluster = `certificate-authority-data: ${base64(serverPair.cert)}`,
): Promise<string> {
  return file(
    name,
    `apiVersion: v1
kind: Config
current-context: here
contexts:
- name: here
  context: {cluster: c, user: u, namespace: shop}
clusters:
- name: c
  cluster:
    server: ${url}
    ${cluster}
users:
- name: u
  user:
    ${user}
`,
  );
}

async function connect(path: string, clock = new VirtualClock()): Promise<ConnectedKube> {
  const kube = await connectKube({ kubeconfigPath: path, clock, random: seededRandom(1) });
  open.push(kube);
  return kube;
}

describe('connectKube', () => {
  it('authority in the kubeconfig, token, namespace, server', async () => {
    const kube = await connect(await kubeconfig('token', 'token: sesame'));

    expect((await kube.client.get(A))?.metadata.name).toBe('a');
    expect(seen).toEqual([{ authorization: 'Bearer sesame', impersonated: undefined, certificate: undefined }]);
    expect([kube.server, kube.namespace]).toEqual([url, 'shop']);
  });

  it('client certificate and authority from files beside the kubeconfig', async () => {
    await file('ca.pem', serverPair.cert);
    await file('client.pem', clientPair.cert);
    await file('client.key', clientPair.key);
    const user = 'client-certificate: client.pem\n    client-key: client.key';
    const kube = await connect(await kubeconfig('certificate', user, 'certificate-authority: ca.pem'));
    await kube.client.get(A);

    expect(seen[0]?.certificate).toBe('client');
  });

  it('user and password, impersonation', async () => {
    const kube = await connect(await kubeconfig('basic', 'username: me\n    password: it\n    as: somebody'));
    await kube.client.get(A);

    expect(seen[0]).toMatchObject({ authorization: `Basic ${base64('me:it')}`, impersonated: 'somebody' });
  });

  it('a token file is read again after a minute, or at once after 401', async () => {
    await file('token.txt', 'first\n');
    const clock = new VirtualClock();
    const kube = await connect(await kubeconfig('token-file', 'tokenFile: token.txt'), clock);
    accepted = 'Bearer first';
    await kube.client.get(A);
    await file('token.txt', 'second\n');
    await kube.client.get(A);
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer first', 'Bearer first']);

    await clock.advance(10_000);
    accepted = 'Bearer second';
    await kube.client.get(A);
    expect(seen.slice(2).map(({ authorization }) => authorization)).toEqual(['Bearer first', 'Bearer second']);

    await file('token.txt', 'third\n');
    accepted = 'Bearer third';
    await clock.advance(61_000);
    await kube.client.get(A);
    expect(seen.at(-1)?.authorization).toBe('Bearer third');
    expect(seen.length).toBe(5);
  });

  it('an exec plugin is asked once, again after 401, and not more than once per five seconds', async () => {
    const count = join(directory, 'count');
    const plugin = await file(
      'plugin.sh',
      `#!/bin/sh
echo x >> ${count}
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$(wc -l < ${count} | tr -d ' ')'"}}'
`,
    );
    await chmod(plugin, 0o755);
    const clock = new VirtualClock();
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: ${plugin}, interactiveMode: Never}`;
    const kube = await connect(await kubeconfig('exec', exec), clock);
    await Promise.all([kube.client.get(A), kube.client.get(A)]);
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer t1', 'Bearer t1']);

    await clock.advance(6_000);
    accepted = 'Bearer t2';
    await kube.client.get(A);
    expect(seen.at(-1)?.authorization).toBe('Bearer t2');
    accepted = 'Bearer never';
    await expect(kube.client.get(A)).rejects.toThrow(RefusedError);
    await expect(kube.client.get(A)).rejects.toThrow(RefusedError);
    accepted = 'Bearer t2';
    await kube.client.get(A);
    expect(seen.at(-1)?.authorization).toBe('Bearer t2');
  });

  it('an exec plugin that fails is a TransientError that names it and nothing that it said', async () => {
    const plugin = await file('broken.sh', '#!/bin/sh\necho "password hunter2" >&2\nexit 1\n');
    await chmod(plugin, 0o755);
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: ${plugin}}`;
    const error = (await connect(await kubeconfig('broken', exec)).catch((thrown: unknown) => thrown)) as Error;

    expect(error).toBeInstanceOf(TransientError);
    expect(error.message).toContain('broken.sh');
    expect(error.message).not.toContain('hunter2');
  });

  it('a server with another certificate is not believed', async () => {
    const ca = `certificate-authority-data: ${base64(otherPair.cert)}`;
    const kube = await connect(await kubeconfig('wrong-ca', 'token: sesame', ca));
    const call = kube.client.patch(A, [{ op: 'replace', path: '/metadata/resourceVersion', value: '1' }]);

    await expect(call).rejects.toMatchObject({ code: 'IO_TLS' });
    expect(seen).toEqual([]);
  });

  it('an HTTP proxy of the cluster entry is asked for a tunnel, and TLS ends at the API server', async () => {
    const tunnels: string[] = [];
    const proxy = createProxy();
    proxy.on('connect', (request, socket: Socket) => {
      tunnels.push(request.url ?? '');
      const [host, port] = (request.url ?? '').split(':') as [string, string];
      const target = connectSocket(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        target.pipe(socket).pipe(target);
      });
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const cluster = `certificate-authority-data: ${base64(serverPair.cert)}\n    proxy-url: ${proxyUrl}`;
    const kube = await connect(await kubeconfig('proxy', 'token: sesame', cluster));

    expect((await kube.client.get(A))?.metadata.name).toBe('a');
    expect(tunnels).toEqual([new URL(url).host]);
    await kube.close();
    proxy.close();
  });

  it('a proxy that is not HTTP is refused with what could be used', async () => {
    const path = await kubeconfig(
      'socks',
      'token: t',
      'insecure-skip-tls-verify: true\n    proxy-url: socks5://127.0.0.1:1',
    );

    await expect(connect(path)).rejects.toThrow('must be http: or https:');
  });

  it('insecure-skip-tls-verify skips it', async () => {
    const kube = await connect(await kubeconfig('insecure', 'token: sesame', 'insecure-skip-tls-verify: true'));

    expect((await kube.client.get(A))?.metadata.name).toBe('a');
  });
});

describe('TLS settings', () => {
  it('new connections only when authority or certificate change', async () => {
    const transport = createUndiciTransport({ server: url, tls: { ca: serverPair.cert } });
    const signal = new AbortController().signal;
    const get = async (): Promise<void> => {
      const { body } = await transport.request({ method: 'GET', path: '/apis', headers: {}, signal });
      for await (const _ of body);
    };
    // A second connection may be opened while the first is being given back; a third is not.
    for (let round = 0; round < 5; round += 1) await get();
    const before = connections;
    transport.useTls({ ca: serverPair.cert });
    for (let round = 0; round < 5; round += 1) await get();
    expect(connections).toBe(before);
    expect(seen.at(-1)?.certificate).toBeUndefined();

    transport.useTls({ ca: serverPair.cert, cert: clientPair.cert, key: clientPair.key });
    await get();
    expect(connections).toBe(before + 1);
    expect(seen.at(-1)?.certificate).toBe('client');
    await transport.close();
  });
});

describe('where the kubeconfig comes from', () => {
  const current = (options: { path?: string; environment?: Record<string, string> }) =>
    openCredentials({ clock: new VirtualClock(), ...options }).current(false);

  it('KUBECONFIG may name several files, the first mention of a name wins, missing ones are skipped', async () => {
    const first = await kubeconfig('one', 'token: from-one');
    const second = await kubeconfig('two', 'token: from-two');
    const access = await current({ environment: { KUBECONFIG: `${directory}/missing:${first}:${second}` } });

    expect(access.headers).toEqual({ authorization: 'Bearer from-one' });
  });

  it('the flag wins over the environment', async () => {
    const [first, second] = [await kubeconfig('one', 'token: one'), await kubeconfig('two', 'token: two')];
    const access = await current({ path: second, environment: { KUBECONFIG: first } });

    expect(access.headers).toEqual({ authorization: 'Bearer two' });
  });

  it('plain HTTP is allowed, as kubectl proxy serves it', async () => {
    const path = await kubeconfig('plain', 'token: t', 'proxy-url: http://127.0.0.1:1');
    const text = (await import('node:fs')).readFileSync(path, 'utf8').replace('https://', 'http://');
    const access = await current({ path: await file('plain', text) });

    expect(access).toMatchObject({ headers: { authorization: 'Bearer t' }, proxyUrl: 'http://127.0.0.1:1' });
    expect(access.tls).not.toHaveProperty('ca');
  });

  it.each([
    ['a file that does not exist', { path: '/nowhere/config' }, 'there is no file "/nowhere/config"'],
    ['nothing at all', { environment: { HOME: '/nowhere' } }, 'this is no pod'],
  ])('%s is an error that says so', async (_, options, words) => {
    await expect(current(options)).rejects.toThrow(InvalidSpecError);
    await expect(current(options)).rejects.toThrow(words);
  });

  it('a file that is no kubeconfig, and a context without a cluster', async () => {
    await expect(current({ path: await file('bad', ': {') })).rejects.toThrow('is no kubeconfig');
    await expect(current({ path: await file('empty', 'kind: Config\n') })).rejects.toThrow('names no cluster');
  });
});
