// Client and cache sit their exam on a real API server, and live through its restarts, crashes and compactions: its audit log is the judge.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheChange, KubeObject, ResourceKind } from '../../src/kube/contract.ts';
import { CONFIG_MAP, CRD, DEPLOYMENT, refOf, refTo, SERVICE } from '../../src/kube/kinds.ts';
import { examineKube } from '../conformance/kube/examine-kube.ts';
import { WIDGET } from '../conformance/kube/little-server.ts';
import { CONTROL_PLANE_PARTS, startControlPlane, type ControlPlane } from './control-plane.ts';
import { openRealKube, type RealKube } from './real-kube.ts';
import { hasRealParts } from './suite.ts';
import { waitFor } from './waiting.ts';

const WIDGET_CRD: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${WIDGET.plural}.${WIDGET.group}` },
  spec: {
    group: WIDGET.group,
    scope: 'Namespaced',
    names: { plural: WIDGET.plural, singular: 'widget', kind: WIDGET.kind, listKind: 'WidgetList' },
    versions: [
      {
        name: WIDGET.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const aWidget = (name: string): KubeObject => ({
  apiVersion: `${WIDGET.group}/${WIDGET.version}`,
  kind: WIDGET.kind,
  metadata: { name },
  spec: { size: 1 },
});

async function serveWidgets(plane: ControlPlane): Promise<void> {
  await plane.api.create(`/apis/${CRD.group}/${CRD.version}/${CRD.plural}`, WIDGET_CRD);
  const path = `/apis/${WIDGET.group}/${WIDGET.version}/${WIDGET.plural}`;
  await waitFor('the kind Widget', async () => (await plane.api.ask({ path })).status === 200, 30_000);
}

describe.skipIf(!hasRealParts(CONTROL_PLANE_PARTS))('on real parts', () => {
  examineKube('a real API server', async () => {
    const plane = await startControlPlane();
    await serveWidgets(plane);
    const { transport } = openRealKube(plane);
    const authorization = `Bearer ${plane.tokenOf('admin')}`;
    return {
      transport,
      authorize: (headers) => Promise.resolve(void Object.assign(headers, { authorization })),
      kind: WIDGET,
      namespace: 'default',
      makeObject: aWidget,
      manyObjects: 1_100,
      close: () => plane.stop(),
    };
  });

  examineOutages();
});

/** How many objects are changed in each outage. */
const OBJECTS = 20;
/** The longest pause between two tries is 10 s: whatever took the server away, this long after it is back the cache is right again. */
const SYNC_LIMIT_MS = 25_000;
const WATCHED: readonly ResourceKind[] = [CONFIG_MAP, SERVICE, DEPLOYMENT, WIDGET];

function examineOutages(): void {
  describe('a cache', () => {
    let plane: ControlPlane;
    let kube: RealKube;
    const changes: CacheChange[] = [];
    const configMaps = '/api/v1/namespaces/default/configmaps';
    const widgets = `/apis/${WIDGET.group}/${WIDGET.version}/namespaces/default/widgets`;

    beforeAll(async () => {
      plane = await startControlPlane({ users: { serin: ['system:masters'] } });
      await serveWidgets(plane);
      kube = openRealKube(plane, 'serin');
      kube.cache.onChange((change) => changes.push(change));
      for (const kind of WATCHED) await kube.cache.want(kind, { namespace: null });
      await changeObjects('first');
      await waitUntilSame();
    });
    afterAll(async () => {
      await kube?.close();
      await plane?.stop();
    });

    /** Creates, changes and deletes objects, as others do. */
    async function changeObjects(round: string): Promise<void> {
      for (let index = 0; index < OBJECTS; index += 1) {
        const name = `${round}-${index}`;
        await plane.api.create(configMaps, { metadata: { name }, data: { round } });
        await plane.api.create(widgets, aWidget(name));
        await plane.api.patch(`${widgets}/${name}`, { spec: { size: index } });
        if (index % 3 === 0) await plane.api.remove(`${configMaps}/${name}`);
      }
    }

    /** Waits until the cache holds what the server has, each object at its version. */
    async function waitUntilSame(): Promise<void> {
      for (const [kind, path] of [
        [CONFIG_MAP, configMaps],
        [WIDGET, widgets],
      ] as const) {
        const versions = (objects: readonly KubeObject[]): string =>
          objects
            .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
            .toSorted()
            .join(' ');
        const live = versions(await plane.api.list(path));
        const isSame = (): boolean => versions(kube.cache.all(kind, 'default')) === live;
        await waitFor(() => `the cache of ${kind.plural} to be as the server is`, isSame, SYNC_LIMIT_MS);
      }
    }

    /** The requests that the cache made since, by kind and verb. Waits first until the log has caught up. */
    function asked(sinceMs: number, verb: string): ReadonlyMap<string, number> {
      const counts = new Map(WATCHED.map(({ plural }) => [plural, 0]));
      for (const entry of plane.audit.of('serin', sinceMs)) {
        if (entry.verb !== verb) continue;
        counts.set(entry.resource, (counts.get(entry.resource) ?? 0) + 1);
      }
      return counts;
    }

    /** At most one list a kind, and no more watches than it takes to come back. */
    function expectNoStorm(sinceMs: number): void {
      for (const [kind, count] of asked(sinceMs, 'list')) expect(count, `lists of ${kind}`).toBeLessThanOrEqual(1);
      for (const [kind, count] of asked(sinceMs, 'watch')) expect(count, `watches of ${kind}`).toBeLessThanOrEqual(4);
    }

    /** Every object that was there before and after, or came or went, was told of; nothing twice. */
    function expectAllTold(from: number, round: string): void {
      const told = changes.slice(from);
      for (let index = 0; index < OBJECTS; index += 1) {
        const name = `${round}-${index}`;
        const ofWidget = told.filter(({ kind, after }) => kind.kind === WIDGET.kind && after?.metadata.name === name);
        expect(ofWidget.at(-1)?.after?.['spec'], `widget ${name}`).toEqual({ size: index });
      }
    }

    for (const how of ['stop', 'kill'] as const) {
      it(`survives a ${how === 'stop' ? 'restart' : 'crash'} of the server`, async () => {
        const [sinceMs, from] = [Date.now(), changes.length];
        await plane.stopApiServer(how);
        await plane.startApiServer();
        await changeObjects(how);
        await waitUntilSame();
        expectNoStorm(sinceMs);
        expectAllTold(from, how);
      });
    }

    it('survives a compaction of what it has not seen: it lists once, and what went meanwhile is gone', async () => {
      const [sinceMs, from] = [Date.now(), changes.length];
      await plane.stopApiServer();
      await plane.startApiServer();
      // The first try of a watch comes 0.8 s after the end at the earliest: what changes now is missed by most of them.
      await Promise.all([changeObjects('compacted'), removeSome('first')]);
      await plane.compact();
      await plane.stopApiServer('kill');
      await plane.startApiServer();
      await waitUntilSame();
      for (const [kind, count] of asked(sinceMs, 'list')) expect(count, `lists of ${kind}`).toBeLessThanOrEqual(2);
      expectAllTold(from, 'compacted');
      const gone = changes.slice(from).flatMap(({ before, after }) => (after === null ? [before?.metadata.name] : []));
      expect(new Set(gone).size).toBeGreaterThanOrEqual(OBJECTS / 2);
    });

    async function removeSome(round: string): Promise<void> {
      for (let index = 1; index < OBJECTS; index += 2) await plane.api.remove(`${widgets}/${round}-${index}`);
    }

    /** Waits until every watch is there again: those of which nobody changed an object may still pause between two tries. */
    async function waitForAllWatches(): Promise<void> {
      const labels = { app: 'marker' };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
      const markers: readonly [ResourceKind, string, unknown][] = [
        [CONFIG_MAP, configMaps, {}],
        [SERVICE, '/api/v1/namespaces/default/services', { ports: [{ port: 80 }] }],
        [DEPLOYMENT, '/apis/apps/v1/namespaces/default/deployments', { selector: { matchLabels: labels }, template }],
        [WIDGET, widgets, { size: 1 }],
      ];
      for (const [kind, path, spec] of markers) {
        const body =
          kind === WIDGET
            ? aWidget('marker')
            : { metadata: { name: 'marker' }, ...(kind === CONFIG_MAP ? {} : { spec }) };
        await plane.api.create(path, body);
        const ref = refOf(kind, 'default', 'marker');
        await waitFor(`the watch of ${kind.plural}`, () => (kube.cache.peek(ref) ?? null) !== null, SYNC_LIMIT_MS);
      }
    }

    it('asks for nothing more once it has caught up', async () => {
      await waitForAllWatches();
      const sinceMs = Date.now();
      const created = await kube.client.create(
        { ...aWidget('quiet'), metadata: { name: 'quiet', namespace: 'default' } },
        WIDGET,
      );
      await waitFor('the last object', () => kube.cache.peek(refTo(WIDGET, created)) !== null, SYNC_LIMIT_MS);
      await waitFor('the audit log', () => asked(sinceMs, 'create').get('widgets') === 1, SYNC_LIMIT_MS);
      expect([...asked(sinceMs, 'list').values(), ...asked(sinceMs, 'watch').values()]).toEqual(
        WATCHED.flatMap(() => [0, 0]),
      );
    });
  });
}
