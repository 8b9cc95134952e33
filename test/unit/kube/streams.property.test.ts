// Random streams of writes and faults: when they end, the cache equals the server, and on the way it never went back.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CacheChange } from '../../../src/kube/contract.ts';
import { compareVersions } from '../../../src/kube/versions.ts';
import { ObjectStore } from '../../../src/kube/object-store.ts';
import { WIDGET, json } from '../../conformance/kube/little-server.ts';
import { makeVirtualWorld } from './virtual-world.ts';
import type { VirtualWorld } from './virtual-world.ts';

const RUNS = Number(process.env['STREAM_RUNS'] ?? (process.env['CI'] === 'true' ? 10_000 : 1_000));
const name = fc.constantFrom('a', 'b', 'c', 'd');

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('write' as const), name, size: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remake' as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(200_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'end',
        'compact',
        'bookmark',
        'replay',
        'garbage',
        'errorEvent',
        'cutEvent',
        'deafen',
        'heal',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      with: fc.constantFrom(429, 500, 503, 410, 403, 0, 200),
      times: fc.integer({ min: 1, max: 5 }),
    }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

describe('random event streams', () => {
  it(`${RUNS} streams through client, reflector and cache`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.nat(), async (actions, seed) => {
        const world = makeVirtualWorld({ seed });
        const watchman = watchVersions(world);
        const wanting = world.kube.cache.want(WIDGET, { namespace: null });
        wanting.catch(() => undefined);
        await world.clock.settle(5);
        for (const step of actions) await perform(world, step);
        await heal(world);
        const shown = world.kube.cache
          .all(WIDGET, null)
          .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
        const stored = world.server.objects().toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));

        expect(shown).toEqual(stored);
        expect(watchman.shown()).toEqual(new Map(stored.map((object) => [object.metadata.name, object])));
        expect(watchman.complaints).toEqual([]);
        await world.kube.close();
        expect(world.clock.pendingTimers()).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });

  it('10,000 shuffled, doubled and cut streams into the store', () => {
    const event = fc.record({ uid: fc.nat(3), version: fc.integer({ min: 1, max: 30 }), isGone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        const store = new ObjectStore();
        const newest = new Map<string, string>();
        for (const { uid, version, isGone } of events) {
          const metadata = { name: 'x', namespace: 'n', uid: `u${uid}`, resourceVersion: String(version) };
          const object = { apiVersion: 'v1', kind: 'X', metadata };
          const before = store.get('n', 'x');
          const changes = isGone ? store.remove(object) : store.put(object);
          for (const { after } of changes) {
            if (after === null) continue;
            const last = newest.get(after.metadata.uid!) ?? '';
            expect(compareVersions(after.metadata.resourceVersion!, last)).toBeGreaterThan(0);
            newest.set(after.metadata.uid!, after.metadata.resourceVersion!);
          }
          expect(changes.length > 0).toBe(store.get('n', 'x') !== before);
          expect(store.size).toBe(store.values(null).length);
        }
      }),
      { numRuns: 10_000 },
    );
  });
});

async function perform(world: VirtualWorld, step: Action): Promise<void> {
  const { server, clock } = world;
  switch (step.do) {
    case 'write':
      server.write(step.name, { spec: { size: step.size } });
      break;
    case 'delete':
      server.delete(step.name);
      break;
    case 'remake':
      server.delete(step.name);
      server.write(step.name, { spec: { size: 0 } });
      break;
    case 'wait':
      return clock.advance(step.ms);
    case 'end':
      server.endWatches();
      break;
    case 'compact':
      server.compact();
      break;
    case 'bookmark':
      server.bookmark();
      break;
    case 'replay':
      for (const object of server.objects()) server.raw(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
      break;
    case 'garbage':
      server.raw('<html>\n');
      break;
    case 'errorEvent':
      server.raw(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 500 } })}\n`);
      break;
    case 'cutEvent':
      server.raw('{"type":"ADDED","obj');
      server.endWatches();
      break;
    case 'deafen':
      server.intercept = () => new Promise(() => undefined);
      break;
    case 'heal':
      server.intercept = null;
      break;
    case 'fail':
      failNext(world, step.with, step.times);
      break;
  }
  await clock.settle();
}

function failNext({ server }: VirtualWorld, code: number, times: number): void {
  let left = times;
  server.intercept = () => {
    left -= 1;
    if (left < 0) server.intercept = null;
    if (left < 0) return undefined;
    if (code === 0) return Promise.reject(new Error('reset'));
    if (code === 200) return { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' };
    return json(code, { kind: 'Status', code, reason: 'X', message: 'x' }, { 'retry-after': '1' });
  };
}

/** Faults off: within five minutes everything must be as the server has it. */
async function heal({ server, clock, kube }: VirtualWorld): Promise<void> {
  server.intercept = null;
  // A stream that was refused for good at its first list is wanted again, as the loop would do.
  const wanting = kube.cache.want(WIDGET, { namespace: null });
  wanting.catch(() => undefined);
  for (let minute = 0; minute < 5; minute += 1) {
    await clock.advance(60_000);
    server.bookmark();
    await clock.settle();
  }
  await wanting;
}

/** Keeps a second picture from the changes alone, and complains when a uid goes back or a change does not fit. */
function watchVersions({ kube }: VirtualWorld): { complaints: string[]; shown: () => Map<string, unknown> } {
  const complaints: string[] = [];
  const picture = new Map<string, NonNullable<CacheChange['after']>>();
  const newest = new Map<string, string>();
  kube.cache.onChange(({ before, after }) => {
    const { name: at } = (after ?? before)!.metadata;
    if ((before?.metadata.resourceVersion ?? null) !== (picture.get(at)?.metadata.resourceVersion ?? null)) {
      complaints.push(`${at}: before is ${before?.metadata.resourceVersion}`);
    }
    if (after === null) return void picture.delete(at);
    const { uid, resourceVersion } = after.metadata;
    if (compareVersions(resourceVersion!, newest.get(uid!) ?? '') <= 0)
      complaints.push(`${at}: back to ${resourceVersion}`);
    newest.set(uid!, resourceVersion!);
    picture.set(at, after);
  });
  return { complaints, shown: () => picture };
}
