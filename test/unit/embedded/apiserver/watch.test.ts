// Watches on a virtual clock: resuming, forgetting, bookmarks, ends.
import { expect, test } from 'vitest';
import { aWorld, CONFIG_MAPS, configMap } from './kit.ts';

test('a watch that comes back misses nothing and sees nothing twice', async () => {
  const { ask, watch, clock, api } = aWorld();
  await ask('POST', CONFIG_MAPS, configMap('a'));
  const first = await watch(`${CONFIG_MAPS}?resourceVersion=${api.currentRv()}`);
  await ask('POST', CONFIG_MAPS, configMap('b'));
  await clock.settle();
  const last = first.events.at(-1)?.object.metadata.resourceVersion ?? '';
  api.endWatches();
  await clock.settle();
  expect(first.isEnded()).toBe(true);
  await ask('POST', CONFIG_MAPS, configMap('c'));
  const second = await watch(`${CONFIG_MAPS}?resourceVersion=${last}`);
  await ask('DELETE', `${CONFIG_MAPS}/a`);
  await clock.settle();
  expect(first.seen()).toEqual(['ADDED b']);
  expect(second.seen()).toEqual(['ADDED c', 'DELETED a']);
});

test('a watch from a forgotten version gets an ERROR event with 410', async () => {
  const { ask, watch, clock, api } = aWorld();
  await ask('POST', CONFIG_MAPS, configMap('a'));
  const old = api.currentRv();
  await ask('POST', CONFIG_MAPS, configMap('b'));
  api.compact();
  const watched = await watch(`${CONFIG_MAPS}?resourceVersion=${old}`);
  await clock.settle();
  expect(watched.status).toBe(200);
  expect(watched.events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', reason: 'Expired', code: 410 } }]);
  expect(watched.isEnded()).toBe(true);
});

test('a watch from a forgotten version is refused with 410 when the server is told so', async () => {
  const { ask, api } = aWorld({ isExpiredWatchRefused: true });
  await ask('POST', CONFIG_MAPS, configMap('a'));
  await ask('POST', CONFIG_MAPS, configMap('b'));
  api.compact();
  const answer = await ask('GET', `${CONFIG_MAPS}?watch=true&resourceVersion=2`);
  expect(answer.status).toBe(410);
  expect(answer.body).toMatchObject({ kind: 'Status', reason: 'Expired', code: 410 });
});

test('history is bounded: only the newest events are kept', async () => {
  const { ask, watch, clock, api } = aWorld({ historyMax: 10 });
  const start = api.currentRv();
  for (let index = 0; index < 25; index += 1) await ask('POST', CONFIG_MAPS, configMap(`m-${index}`));
  const tooOld = await watch(`${CONFIG_MAPS}?resourceVersion=${start}`);
  const recent = await watch(`${CONFIG_MAPS}?resourceVersion=${api.currentRv() - 5}`);
  await clock.settle();
  expect(tooOld.events[0]?.type).toBe('ERROR');
  expect(recent.seen()).toHaveLength(5);
});

test('bookmarks come every minute and carry the newest version of all kinds', async () => {
  const { ask, watch, clock, api } = aWorld();
  const watched = await watch(
    `${CONFIG_MAPS}?resourceVersion=${api.currentRv()}&allowWatchBookmarks=true&timeoutSeconds=300`,
  );
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'other' } });
  await clock.advance(60_000);
  expect(watched.events).toMatchObject([
    {
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: String(api.currentRv()) } },
    },
  ]);
});

test('without allowWatchBookmarks there are none', async () => {
  const { watch, clock } = aWorld();
  const watched = await watch(`${CONFIG_MAPS}?timeoutSeconds=300`);
  await clock.advance(200_000);
  expect(watched.events).toEqual([]);
});

test('a watch ends at its time limit, with a bookmark shortly before', async () => {
  const { watch, clock } = aWorld();
  const watched = await watch(`${CONFIG_MAPS}?timeoutSeconds=30&allowWatchBookmarks=true`);
  await clock.advance(29_000);
  expect(watched.isEnded()).toBe(false);
  await clock.advance(1_000);
  expect(watched.isEnded()).toBe(true);
  expect(watched.events.map((event) => event.type)).toEqual(['BOOKMARK']);
});

test('a watch that has no limit ends between 30 and 60 minutes', async () => {
  const { watch, clock } = aWorld();
  const watched = await watch(CONFIG_MAPS);
  await clock.advance(30 * 60_000 - 1);
  expect(watched.isEnded()).toBe(false);
  await clock.advance(30 * 60_000);
  expect(watched.isEnded()).toBe(true);
});

test('an aborted watch leaves no timer and no listener behind', async () => {
  const { api, clock, ask } = aWorld();
  const ended = new AbortController();
  const path = `${CONFIG_MAPS}?watch=true&allowWatchBookmarks=true`;
  const answer = await api.handle({ method: 'GET', path, user: 'admin', signal: ended.signal });
  expect(clock.pendingTimers()).toBeGreaterThan(0);
  ended.abort();
  expect(clock.pendingTimers()).toBe(0);
  await ask('POST', CONFIG_MAPS, configMap('late'));
  const lines: string[] = [];
  for await (const line of answer.body as AsyncIterable<string>) lines.push(line);
  expect(lines).toEqual([]);
});

test('a closed server leaves no timer behind', async () => {
  const { api, clock, ask, watch } = aWorld();
  await watch(`${CONFIG_MAPS}?allowWatchBookmarks=true`);
  const made = await ask('POST', CONFIG_MAPS, configMap('a'));
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: String(made.body.metadata?.['uid']) };
  await ask('POST', CONFIG_MAPS, configMap('b', {}, { ownerReferences: [reference] }));
  await ask('DELETE', `${CONFIG_MAPS}/a`);
  expect(clock.pendingTimers()).toBeGreaterThan(0);
  api.close();
  expect(clock.pendingTimers()).toBe(0);
});

test('a continue token is refused after a compaction, with a token that goes on', async () => {
  const { ask, api } = aWorld();
  for (const name of ['a', 'b', 'c']) await ask('POST', CONFIG_MAPS, configMap(name));
  const page = await ask('GET', `${CONFIG_MAPS}?limit=1`);
  await ask('POST', CONFIG_MAPS, configMap('bb'));
  api.compact();
  const refused = await ask('GET', `${CONFIG_MAPS}?limit=1&continue=${String(page.body.metadata?.['continue'])}`);
  expect(refused.status).toBe(410);
  expect(refused.body).toMatchObject({ reason: 'Expired', code: 410 });
  const rest = await ask('GET', `${CONFIG_MAPS}?continue=${String(refused.body.metadata?.['continue'])}`);
  const items = rest.body['items'] as { metadata: { name: string } }[];
  expect(items.map((item) => item.metadata.name)).toEqual(['b', 'bb', 'c']);
});

test('a read at version 0 may be stale where the server is told so; other reads are not', async () => {
  const view: { rv: number | null } = { rv: null };
  const { ask, api } = aWorld({ staleView: (user) => (user === 'slow' ? view.rv : null) });
  await ask('POST', CONFIG_MAPS, configMap('a'));
  view.rv = api.currentRv();
  await ask('POST', CONFIG_MAPS, configMap('b'));
  const names = async (query: string, user: string): Promise<string[]> => {
    const answer = await ask('GET', `${CONFIG_MAPS}${query}`, undefined, { user });
    return (answer.body['items'] as { metadata: { name: string } }[]).map((item) => item.metadata.name);
  };
  expect(await names('?resourceVersion=0', 'slow')).toEqual(['a']);
  expect(await names('', 'slow')).toEqual(['a', 'b']);
  expect(await names('?resourceVersion=0', 'other')).toEqual(['a', 'b']);
  const got = await ask('GET', `${CONFIG_MAPS}/b?resourceVersion=0`, undefined, { user: 'slow' });
  expect(got.status).toBe(404);
});
