// The server over real HTTPS: tokens, kubeconfig, watches as streams, connections that are cut.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Listening, listenOn } from '../../../../src/embedded/apiserver/listen.ts';
import { type ApiServer, createApiServer } from '../../../../src/embedded/apiserver/server.ts';
import { CONFIG_MAP } from '../../../../src/kube/kinds.ts';
import { systemClock } from '../../../../src/util/clock.ts';
import { systemRandom } from '../../../../src/util/random.ts';
import { configMap } from './kit.ts';

let api: ApiServer;
let listening: Listening;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serin-apiserver-'));
  api = createApiServer({ clock: systemClock, random: systemRandom });
  const tokens = { 'admin-token': 'admin', 'other-token': 'other' };
  listening = await listenOn(api, { tokens, kubeconfigPath: join(folder, 'kubeconfig') });
});

afterEach(async () => {
  api.close();
  await listening.close();
  await rm(folder, { recursive: true });
});

interface Reply {
  readonly status: number;
  readonly body: string;
}

function ask(
  method: string,
  path: string,
  token: string | null,
  body = '',
  onData?: (text: string) => void,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    const outgoing = request(
      `${listening.url}${path}`,
      { method, headers, ca: listening.caPem, agent: false },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8');
        reply.on('data', (part: string) => {
          text += part;
          onData?.(text);
        });
        reply.once('error', reject);
        reply.once('aborted', () => reject(new Error('The connection was cut')));
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, body: text }));
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

const PATH = '/api/v1/namespaces/default/configmaps';

test('the certificate is trusted by itself and the token names the user', async () => {
  const users: string[] = [];
  api.onRequest(({ user }) => users.push(user));
  expect((await ask('GET', PATH, 'admin-token')).status).toBe(200);
  expect((await ask('GET', PATH, 'other-token')).status).toBe(200);
  expect(users).toEqual(['admin', 'other']);
});

test('without a valid token there is 401 and a Status', async () => {
  for (const token of [null, 'wrong']) {
    const reply = await ask('GET', PATH, token);
    expect(reply.status).toBe(401);
    expect(JSON.parse(reply.body)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
  }
});

test('health needs no token', async () => {
  expect(await ask('GET', '/readyz', null)).toEqual({ status: 200, body: 'ok' });
});

test('the kubeconfig names server, authority and token, and only its owner may read it', async () => {
  const path = join(folder, 'kubeconfig');
  const config = parse(await readFile(path, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: { token: string } }[];
  };
  expect(config.clusters[0]?.cluster['server']).toBe(listening.url);
  const authority = Buffer.from(config.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();
  expect(authority).toBe(listening.caPem);
  expect(config.users[0]?.user.token).toBe('admin-token');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(listening.kubeconfig('other-token')).toContain('other-token');
});

test('a watch is a stream that ends with its client', async () => {
  const seen = new Promise<void>((resolve) => {
    void ask('GET', `${PATH}?watch=true`, 'admin-token', '', (text) => {
      if (text.includes('"name":"b"')) resolve();
    }).catch(() => undefined);
  });
  await ask('POST', PATH, 'admin-token', JSON.stringify(configMap('a')));
  await ask('POST', PATH, 'admin-token', JSON.stringify(configMap('b')));
  await seen;
  expect(api.store.list(CONFIG_MAP, 'default')).toHaveLength(2);
});

test('cut connections fail their requests, and the server goes on', async () => {
  const started = Promise.withResolvers<void>();
  const watching = ask('GET', `${PATH}?watch=true`, 'admin-token', '', () => started.resolve());
  await ask('POST', PATH, 'admin-token', JSON.stringify(configMap('a')));
  await started.promise;
  const failed = expect(watching).rejects.toThrow();
  listening.cutConnections();
  await failed;
  expect((await ask('GET', `${PATH}/a`, 'admin-token')).status).toBe(200);
});

test('a body beyond all limits is refused', async () => {
  const reply = await ask(
    'POST',
    PATH,
    'admin-token',
    JSON.stringify(configMap('a', { k: 'x'.repeat(3.5 * 1024 * 1024) })),
  );
  expect(reply.status).toBe(413);
});
