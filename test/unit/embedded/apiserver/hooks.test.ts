// What tests and the simulation hook into: commits, the audit log, faults, fences, permissions, determinism.
import { expect, test } from 'vitest';
import type { Commit, LoggedRequest } from '../../../../src/embedded/apiserver/types.ts';
import { CONFIG_MAP, DEPLOYMENT } from '../../../../src/kube/kinds.ts';
import { aWorld, CONFIG_MAPS, configMap, deployment, DEPLOYMENTS } from './kit.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

test('onCommit tells of each write before its writer is answered', async () => {
  const { api, ask } = aWorld();
  const commits: Commit[] = [];
  const stop = api.onCommit((commit) => commits.push(commit));
  await ask('POST', DEPLOYMENTS, deployment('web'), { user: 'ann' });
  const answered = ask('PATCH', `${DEPLOYMENTS}/web`, { spec: { replicas: 3 } }, { type: MERGE, user: 'bob' });
  await answered;
  await ask('PATCH', `${DEPLOYMENTS}/web/status`, { status: { replicas: 3 } }, { type: MERGE, user: 'cat' });
  await ask('PATCH', `${DEPLOYMENTS}/web`, { spec: { replicas: 3 } }, { type: MERGE, user: 'bob' });
  await ask('DELETE', `${DEPLOYMENTS}/web`, undefined, { user: 'dan' });
  stop();
  await ask('POST', DEPLOYMENTS, deployment('unseen'));
  const seen = commits.map(({ verb, user, subresource, ref }) => [verb, user, subresource, ref.name]);
  expect(seen).toEqual([
    ['create', 'ann', '', 'web'],
    ['patch', 'bob', '', 'web'],
    ['patch', 'cat', 'status', 'web'],
    ['delete', 'dan', '', 'web'],
  ]);
  expect(commits[1]).toMatchObject({
    before: { spec: { replicas: 1 } },
    after: { spec: { replicas: 3 } },
    body: { spec: { replicas: 3 } },
  });
  expect(commits[0]?.before).toBeNull();
  expect(commits[3]?.after).toBeNull();
});

test('versions only go up, over all kinds', async () => {
  const { api, ask } = aWorld();
  const versions: number[] = [];
  api.onCommit(({ resourceVersion }) => versions.push(resourceVersion));
  await ask('POST', CONFIG_MAPS, configMap('a'));
  await ask('POST', DEPLOYMENTS, deployment('b'));
  await ask('DELETE', `${CONFIG_MAPS}/a`);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(new Set(versions).size).toBe(3);
});

test('onRequest is an audit log', async () => {
  const { api, ask, clock } = aWorld();
  const log: LoggedRequest[] = [];
  api.onRequest((request) => log.push(request));
  await ask('GET', DEPLOYMENTS, undefined, { user: 'ann' });
  await ask('PATCH', `${DEPLOYMENTS}/none/status`, {}, { type: MERGE, user: 'bob' });
  await ask('GET', '/healthz');
  const base = { atMs: clock.nowMs() };
  expect(log).toEqual([
    {
      ...base,
      verb: 'list',
      resource: 'deployments.apps',
      subresource: '',
      namespace: 'default',
      name: null,
      user: 'ann',
      status: 200,
    },
    {
      ...base,
      verb: 'patch',
      resource: 'deployments.apps',
      subresource: 'status',
      namespace: 'default',
      name: 'none',
      user: 'bob',
      status: 404,
    },
    {
      ...base,
      verb: 'none',
      resource: '/healthz',
      subresource: '',
      namespace: null,
      name: null,
      user: 'admin',
      status: 200,
    },
  ]);
});

test('beforeRequest can answer in the place of the server', async () => {
  const { ask } = aWorld({
    beforeRequest: (request) => (request.method === 'POST' ? { status: 429, retryAfterSeconds: 3 } : null),
  });
  const refused = await ask('POST', CONFIG_MAPS, configMap('a'));
  expect(refused.status).toBe(429);
  expect(refused.headers['retry-after']).toBe('3');
  expect(refused.body).toMatchObject({ reason: 'TooManyRequests', details: { retryAfterSeconds: 3 } });
  expect((await ask('GET', `${CONFIG_MAPS}/a`)).status).toBe(404);
});

test('beforeRequest can delay a request on the clock', async () => {
  const { ask, clock } = aWorld({ beforeRequest: () => ({ delayMs: 500 }) });
  let isAnswered = false;
  const answer = ask('GET', '/version').then(() => {
    isAnswered = true;
  });
  await clock.advance(499);
  expect(isAnswered).toBe(false);
  await clock.advance(1);
  await answer;
  expect(isAnswered).toBe(true);
});

test('an injected 500 says so in a Status', async () => {
  const { ask } = aWorld({ beforeRequest: () => ({ status: 500, message: 'etcd is away' }) });
  const answer = await ask('GET', CONFIG_MAPS);
  expect(answer.status).toBe(500);
  expect(answer.body).toMatchObject({ kind: 'Status', reason: 'InternalError', message: 'etcd is away', code: 500 });
});

test('authorize refuses with the words of RBAC', async () => {
  const { ask } = aWorld({ authorize: ({ verb }) => verb !== 'delete' });
  const refused = await ask('DELETE', `${DEPLOYMENTS}/web`, undefined, { user: 'ann' });
  expect(refused.status).toBe(403);
  expect(refused.body.message).toBe(
    'deployments.apps "web" is forbidden: User "ann" cannot delete resource "deployments" in API group "apps" in the namespace "default"',
  );
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb: 'delete', resource: 'pods' } },
  };
  const answer = await ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review);
  expect(answer.body['status']).toEqual({ allowed: false });
});

const UNFENCED: readonly [string, string, string, unknown, string | undefined][] = [
  ['a PUT without a version', 'PUT', `${CONFIG_MAPS}/a`, configMap('a'), undefined],
  ['a merge patch without a version', 'PATCH', `${CONFIG_MAPS}/a`, { data: { x: 'y' } }, MERGE],
  [
    'a JSON Patch without a version',
    'PATCH',
    `${CONFIG_MAPS}/a`,
    [{ op: 'add', path: '/data', value: {} }],
    JSON_PATCH,
  ],
  [
    'a JSON Patch that only tests the version',
    'PATCH',
    `${CONFIG_MAPS}/a`,
    [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }],
    JSON_PATCH,
  ],
  ['an apply without a version', 'PATCH', `${CONFIG_MAPS}/a?fieldManager=serin&force=true`, configMap('a'), APPLY],
  ['a scale without a version', 'PATCH', `${DEPLOYMENTS}/web/scale`, { spec: { replicas: 2 } }, MERGE],
  ['a delete without preconditions', 'DELETE', `${CONFIG_MAPS}/a`, undefined, undefined],
  ['a delete with a uid only', 'DELETE', `${CONFIG_MAPS}/a`, { preconditions: { uid: 'x' } }, undefined],
  ['the delete of a collection', 'DELETE', CONFIG_MAPS, undefined, undefined],
];

test.each(UNFENCED)('S11: %s is refused and remembered', async (_name, method, path, body, type) => {
  const { api, ask } = aWorld({ requireFence: (user) => user === 'serin' });
  api.store.create(configMap('a'));
  api.store.create(deployment('web'));
  const before = api.currentRv();
  const options = type === undefined ? { user: 'serin' } : { user: 'serin', type };
  const answer = await ask(method, path, body, options);
  expect(answer.status).toBe(500);
  expect(api.violations).toHaveLength(1);
  expect(api.violations[0]?.user).toBe('serin');
  expect(api.currentRv()).toBe(before);
});

test('S11: fenced writes and creations pass', async () => {
  const { api, ask } = aWorld({ requireFence: (user) => user === 'serin' });
  const user = 'serin';
  const made = await ask('POST', CONFIG_MAPS, { ...configMap('a'), data: { k: 'v' } }, { user });
  const version = (answer: { body: { metadata?: Record<string, unknown> } }): string =>
    String(answer.body.metadata?.['resourceVersion']);
  const fence = { op: 'replace', path: '/metadata/resourceVersion', value: version(made) };
  const patched = await ask('PATCH', `${CONFIG_MAPS}/a`, [fence, { op: 'add', path: '/data/x', value: 'y' }], {
    type: JSON_PATCH,
    user,
  });
  const applied = await ask('PATCH', `${CONFIG_MAPS}/b?fieldManager=serin`, configMap('b'), { type: APPLY, user });
  const preconditions = { uid: String(made.body.metadata?.['uid']), resourceVersion: version(patched) };
  const removed = await ask('DELETE', `${CONFIG_MAPS}/a`, { preconditions }, { user });
  expect([made.status, patched.status, applied.status, removed.status]).toEqual([201, 200, 201, 200]);
  expect(api.violations).toEqual([]);
});

test('S11: nobody else is bound', async () => {
  const { api, ask } = aWorld({ requireFence: (user) => user === 'serin' });
  await ask('POST', CONFIG_MAPS, configMap('a'));
  expect((await ask('PUT', `${CONFIG_MAPS}/a`, configMap('a', { x: 'y' }))).status).toBe(200);
  expect(api.violations).toEqual([]);
});

test('the same seed gives the same bytes', async () => {
  const run = async (): Promise<string[]> => {
    const { api, ask, clock, watch } = aWorld({}, 7);
    const watched = await watch(CONFIG_MAPS);
    const lines: string[] = [];
    for (const name of ['a', 'b']) {
      const answer = await ask('POST', CONFIG_MAPS, { metadata: { generateName: `${name}-` } });
      lines.push(JSON.stringify(answer));
      await clock.advance(1_500);
    }
    api.close();
    return [...lines, JSON.stringify(watched.events)];
  };
  expect(await run()).toEqual(await run());
});

test('an object given to the store may be changed afterwards by its giver', () => {
  const { api } = aWorld();
  const given = configMap('a', { k: '1' });
  api.store.create(given);
  (given['data'] as Record<string, string>)['k'] = '2';
  expect(api.store.get(CONFIG_MAP, 'default', 'a')).toMatchObject({ data: { k: '1' } });
});

test('put creates and then replaces; mutate writes what it changed', () => {
  const { api } = aWorld();
  api.store.put(configMap('a', { k: '1' }));
  api.store.put(configMap('a', { k: '2' }));
  api.store.mutate(CONFIG_MAP, 'default', 'a', (draft) => {
    draft.metadata.labels = { x: 'y' };
  });
  expect(api.store.get(CONFIG_MAP, 'default', 'a')).toMatchObject({
    data: { k: '2' },
    metadata: { labels: { x: 'y' } },
  });
  expect(api.store.mutate(CONFIG_MAP, 'default', 'none', () => undefined)).toBeNull();
  expect(api.store.remove(CONFIG_MAP, 'default', 'none')).toBeNull();
});

test('unknown members of built-in kinds are dropped, or kept when the server is told so', () => {
  const future = deployment('web', { fromTheFuture: { a: 1 } });
  expect(aWorld().api.store.create(future)['spec']).not.toHaveProperty('fromTheFuture');
  expect(aWorld({ isKeepingUnknownFields: true }).api.store.create(future)).toMatchObject({
    spec: { fromTheFuture: { a: 1 } },
  });
});

test('managers of plain updates are not kept when the server is told so; those of applies are', async () => {
  const { api, ask } = aWorld({ isTrackingUpdates: false });
  const made = api.store.create(deployment('web'));
  expect(made.metadata['managedFields']).toBeUndefined();
  await ask('PATCH', `${CONFIG_MAPS}/a?fieldManager=one`, configMap('a', { k: '1' }), { type: APPLY });
  const conflict = await ask('PATCH', `${CONFIG_MAPS}/a?fieldManager=two`, configMap('a', { k: '2' }), { type: APPLY });
  expect(conflict.status).toBe(409);
  expect(api.store.list(DEPLOYMENT, 'default')).toHaveLength(1);
});
