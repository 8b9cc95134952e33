// The exam that every mesh provider sits: the contract's promises, seen in the cluster and in the requests it was asked.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BugError, ConflictError, InvalidSpecError, UnsupportedError } from '../../../src/errors.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { RouteRequest, ServiceField } from '../../../src/mesh/contract.ts';
import { hasVendorCrds, loadCrds } from '../../support/crd-validator.ts';
import { aRequest, FENCE_KEY } from './requests.ts';
import type { MeshSubject } from './subject.ts';
import { openWorld as openEmbeddedWorld } from './world.ts';
import type { ExamWorld } from './world.ts';

/** What of an object is its owner's: everything but versions and bookkeeping of the server. */
function content(object: KubeObject): unknown {
  const { name, labels, annotations, ownerReferences } = object.metadata;
  return { ...object, metadata: { name, labels, annotations, ownerReferences } };
}

/** Sits the exam; on the embedded API server unless told of another. */
export function examineMesh(subject: MeshSubject, openWorld: (of: MeshSubject) => ExamWorld = openEmbeddedWorld): void {
  describe(`mesh provider ${[subject.provider.name, ...(subject.variant === undefined ? [] : [subject.variant])].join(', ')}`, () => {
    let world: ExamWorld;
    const spoken = subject.protocol ?? 'http';
    const request = aRequest(subject.minimal, spoken);
    const share = (): readonly (number | null)[] =>
      subject
        .splits(world.route())
        .flatMap((list) => list.filter(({ name }) => name === 'web-canary').map(({ weight }) => weight));

    beforeEach(() => {
      world = openWorld(subject);
    });
    afterEach(async () => {
      expect(world.embedded.api.violations).toEqual([]);
      await world.embedded.close();
    });

    const steady = async (weightPercent = 0): Promise<void> => {
      await world.ensure(request, weightPercent);
      if (weightPercent > 0) await world.write(request, weightPercent);
    };

    it('names its kinds and its objects', async () => {
      const kinds = await world.driver.kinds();
      const refs = await world.driver.refs(request);
      expect(kinds).toContainEqual(subject.routeRef.kind);
      expect(refs).toContainEqual(subject.routeRef);
      for (const { kind } of refs) expect(kinds).toContainEqual(kind);
    });

    it('creates what is absent, with the canary at 0 whatever is asked for, and owns it', async () => {
      expect((await world.read(request)).seen).toMatchObject({ state: 'absent', askedPercent: null, fence: null });
      await world.ensure(request, 40, 'r1/1');
      expect(share()).toEqual([0]);
      for (const object of world.written) {
        expect(object.metadata.ownerReferences).toEqual([
          { apiVersion: 'serin.dev/v1beta1', kind: 'Canary', name: 'web', uid: request.owner.uid, controller: true },
        ]);
      }
      expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 0, fence: 'r1/1' });
    });

    it('reads back what it wrote, weight and fence, in one request', async () => {
      await steady();
      const before = world.writes();
      await world.write(request, 30, 'r1/7');
      expect(world.writes()).toBe(before + 1);
      expect(share()).toEqual([30]);
      expect(subject.splits(world.route())[0]?.map(({ weight }) => weight)).toEqual([70, 30]);
      expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 30, fence: 'r1/7' });
      expect((await world.read(request)).problem).toBeNull();
    });

    it('sends nothing when nothing would change', async () => {
      await steady(30);
      await world.write(request, 30, 'r1/7');
      const before = world.writes();
      await world.write(request, 30, 'r1/7');
      await world.write(request, 30, null);
      await world.ensure(request, 30, 'r1/7');
      expect(world.writes()).toBe(before);
    });

    it('writes a fence alone, and keeps it when none is given', async () => {
      await steady(30);
      await world.write(request, 30, 'r1/8');
      expect(share()).toEqual([30]);
      await world.write(request, 20, null);
      expect((await world.read(request)).seen).toMatchObject({ askedPercent: 20, fence: 'r1/8' });
    });

    it('changes nothing when somebody wrote since it read', async () => {
      await steady(30);
      const found = await world.read(request);
      world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) => {
        draft.metadata.labels = { ...draft.metadata.labels, touched: 'yes' };
      });
      const before = content(world.route());
      await expect(world.driver.write(request, found, { weightPercent: 50, fence: 'r1/9' })).rejects.toThrow(
        ConflictError,
      );
      expect(content(world.route())).toEqual(before);
    });

    it('refuses a weight that is none', async () => {
      await steady();
      const found = await world.read(request);
      const before = world.writes();
      for (const weightPercent of [-1, 101, 12.5, NaN]) {
        await expect(world.driver.write(request, found, { weightPercent, fence: null })).rejects.toThrow(BugError);
        await expect(world.driver.ensure(request, found, { weightPercent, fence: null })).rejects.toThrow(BugError);
      }
      expect(world.writes()).toBe(before);
    });

    it('repairs drift and keeps weight and fence', async () => {
      await steady(40);
      await world.write(request, 40, 'r1/3');
      const intended = content(world.route());
      world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) =>
        subject.spoil(draft),
      );
      expect((await world.read(request)).seen.state).toBe('drifted');
      await world.ensure(request, 40, null);
      expect(content(world.route())).toEqual(intended);
      expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 40, fence: 'r1/3' });
    });

    it('takes labels and annotations of others for no drift', async () => {
      await steady(40);
      world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) => {
        draft.metadata.labels = { ...draft.metadata.labels, 'argocd.argoproj.io/instance': 'web' };
        draft.metadata.annotations = { ...draft.metadata.annotations, 'someone.example/note': 'seen' };
      });
      expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 40 });
      world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) =>
        subject.spoil(draft),
      );
      await world.ensure(request, 40);
      expect(world.route().metadata.labels).toMatchObject({ 'argocd.argoproj.io/instance': 'web' });
      expect(world.route().metadata.annotations).toMatchObject({ 'someone.example/note': 'seen' });
    });

    it.skipIf(subject.addForeign === null)(
      'keeps members of others in its own route, also through a repair',
      async () => {
        await steady(40);
        world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) =>
          subject.addForeign!(draft),
        );
        const intended = content(world.route());
        expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 40 });
        world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) =>
          subject.spoil(draft),
        );
        await world.ensure(request, 40);
        expect(content(world.route())).toEqual(intended);
      },
    );

    it('repairs and fences all objects that it made, after any one is deleted', async () => {
      await steady(40);
      const made = await world.driver.refs(request);
      for (const ref of made) {
        const object = world.embedded.api.store.get(ref.kind, 'shop', ref.name);
        if (object === null || object === undefined) continue;
        world.embedded.api.store.remove(ref.kind, 'shop', ref.name);
        expect((await world.read(request)).seen.state).not.toBe('ready');
        await world.ensure(request, 40);
        await world.write(request, 40);
        expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 40 });
      }
    });

    it('says what is asked, and live only once it is', async () => {
      await steady(40);
      expect((await world.read(request)).seen.livePercent).toBe('unknown');
      expect(subject.provider.capabilities.reportsLive).toBe(subject.report !== null);
      if (subject.report === null) return;
      const { kind, name } = subject.routeRef;
      const report = (): void => {
        const status = subject.report!(world.route());
        world.embedded.api.store.mutate(kind, 'shop', name, (draft) => Object.assign(draft, { status }), {
          subresource: 'status',
        });
      };
      report();
      expect((await world.read(request)).seen.livePercent).toBe(40);
      await world.write(request, 50);
      expect((await world.read(request)).seen).toMatchObject({ askedPercent: 50, livePercent: 'pending' });
      report();
      expect((await world.read(request)).seen).toMatchObject({ askedPercent: 50, livePercent: 50 });
    });

    it('gives its own route back to the apex, without owner and fence', async () => {
      await steady(40);
      await world.write(request, 0, 'r1/9');
      await world.driver.release(request, await world.read(request), true);
      expect(subject.splits(world.route()).map((list) => list.map(({ name }) => name))).toEqual([[subject.apexTarget]]);
      expect(world.route().metadata.ownerReferences ?? []).toEqual([]);
      expect(world.route().metadata.annotations ?? {}).not.toHaveProperty([FENCE_KEY]);
      const before = world.writes();
      await world.driver.release(request, await world.read(request), true);
      expect(world.writes()).toBe(before);
    });

    it('takes its own route back when the Canary is made anew, and obeys the new spec', async () => {
      await steady(40);
      await world.driver.release(request, await world.read(request), false);
      // The garbage collector takes what the deleted Canary still owns.
      for (const ref of await world.driver.refs(request)) {
        const object = world.embedded.api.store.get(ref.kind, 'shop', ref.name);
        if (object?.metadata.ownerReferences?.length) world.embedded.api.store.remove(ref.kind, 'shop', ref.name);
      }
      const again = aRequest(
        { ...subject.minimal, apex: { labels: { team: 'green' }, annotations: {} } },
        spoken,
        'another-uid',
      );
      expect((await world.read(again)).seen).toMatchObject({ state: 'drifted', askedPercent: null });
      await world.ensure(again, 0, 'r2/1');
      await world.ensure(again, 0, 'r2/1');
      expect((await world.read(again)).seen).toMatchObject({ state: 'ready', askedPercent: 0, fence: 'r2/1' });
      expect((await world.read(again)).problem).toBeNull();
      expect(world.route().metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(['another-uid']);
      expect(world.route().metadata.labels).toMatchObject({ team: 'green' });
    });

    it('refuses what it does not honour, at its path', async () => {
      const all: Record<ServiceField, unknown> = {
        timeout: '5s',
        backendTimeout: '5s',
        gateways: ['public'],
        gatewayRefs: [{ name: 'public' }],
        hosts: ['shop.example.com'],
        delegation: true,
        trafficPolicy: { tls: { mode: 'DISABLE' } },
        match: [{ uri: { prefix: '/' } }],
        rewrite: { uri: '/' },
        retries: { attempts: 1, perTryTimeout: null, retryOn: null },
        headers: { request: { set: { a: 'b' } } },
        corsPolicy: { allowOrigins: [{ exact: 'https://shop.example.com' }] },
        meshName: 'mesh',
        backends: ['db.shop'],
        grpc: { serviceName: 'shop.Cart', methodName: null },
      };
      expect(world.driver.validate(request)).toEqual([]);
      for (const [field, value] of Object.entries(all) as [ServiceField, never][]) {
        const wish = aRequest({ ...subject.minimal, [field]: value }, spoken);
        const isHonoured = subject.provider.capabilities.serviceFields.includes(field);
        if (isHonoured) continue;
        const flaws = world.driver.validate(wish);
        expect(flaws.map(({ path }) => path)).toContain(`spec.service.${field}`);
        await expect(world.ensure(wish, 0)).rejects.toThrow(InvalidSpecError);
      }
      if (subject.variant !== undefined) return;
      for (const protocol of ['http', 'grpc', 'tcp'] as const) {
        const isSpoken = subject.provider.capabilities.protocols.includes(protocol);
        expect(world.driver.validate(aRequest(subject.minimal, protocol)).length === 0).toBe(isSpoken);
      }
    });

    describe('with a route of somebody else', () => {
      it('makes pairs of the rules that name the apex, and keeps the rest byte for byte', async () => {
        const foreign = subject.foreign();
        world.put(foreign);
        const before = content(world.route()) as KubeObject;
        const kept = subject.splits(world.route()).slice(2);
        const shares = kept.length === 0 ? [25] : [25, 25];
        expect((await world.read(request)).seen).toMatchObject({ state: 'drifted', askedPercent: null });
        await world.ensure(request, 0, 'r1/1');
        await world.write(request, 25, 'r1/2');
        expect(share()).toEqual(shares);
        const after = world.route();
        expect(subject.splits(after).slice(2)).toEqual(kept);
        expect(after.metadata.ownerReferences).toBeUndefined();
        expect(after.metadata.labels).toEqual(before.metadata.labels);
        expect(Object.keys(after.metadata.annotations ?? {}).sort()).toEqual(
          [FENCE_KEY, 'note', 'serin.dev/original-route'].sort(),
        );
        // Everything but the two lists is as it was.
        const blank = (route: KubeObject): string =>
          JSON.stringify(route['spec'], (key, value: unknown) =>
            ['route', 'backendRefs', 'weightedTargets', 'backends'].includes(key) ? null : value,
          );
        expect(blank(after)).toBe(blank(before));
        expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 25, fence: 'r1/2' });
        const kinds = await world.driver.kinds();
        for (const other of foreign.slice(1)) {
          const kind = kinds.find((candidate) => candidate.kind === other.kind)!;
          const now = world.embedded.api.store.get(kind, 'shop', other.metadata.name);
          expect(content(now as KubeObject)).toEqual(content(other));
        }
      });

      it('puts back exactly what it found', async () => {
        world.put(subject.foreign());
        const before = content(world.route());
        await world.ensure(request, 0, 'r1/1');
        await world.write(request, 25, 'r1/2');
        await world.driver.release(request, await world.read(request), true);
        expect(JSON.stringify(content(world.route()))).toBe(JSON.stringify(before));
      });

      it('sends all traffic to the apex when it leaves without reverting', async () => {
        world.put(subject.foreign());
        await world.ensure(request, 0, 'r1/1');
        await world.driver.release(request, await world.read(request), false);
        const lists = subject.splits(world.route()).slice(0, 2);
        for (const list of lists) expect(list.map(({ name }) => name)).toEqual([subject.apexTarget]);
        expect(world.route().metadata.annotations).toEqual({ note: 'mine' });
      });

      it('adopts a rule that is added later, at the weight that counts then', async () => {
        world.put(subject.foreign());
        await world.ensure(request, 0, 'r1/1');
        await world.write(request, 25);
        const [fresh] = subject.foreign();
        world.embedded.api.store.mutate(subject.routeRef.kind, 'shop', subject.routeRef.name, (draft) => {
          Object.assign(draft, { spec: structuredClone(fresh!['spec']) });
        });
        expect((await world.read(request)).seen.state).toBe('drifted');
        await world.ensure(request, 25, 'r1/2');
        expect(share().length).toBeGreaterThan(0);
        for (const weight of share()) expect(weight).toBe(25);
        await world.driver.release(request, await world.read(request), true);
        expect(world.route()['spec']).toEqual(fresh!['spec']);
      });

      it('refuses a route that does not name the apex, and one that shares it with others', async () => {
        for (const objects of [[subject.stranger()], subject.mixed()]) {
          const other = openWorld(subject);
          other.put(objects);
          const before = content(other.route());
          const found = await other.read(request);
          expect(found.seen.askedPercent).toBeNull();
          expect(found.problem?.message).toMatch(/^Cannot steer \w+ "shop\/.*must/);
          await expect(other.ensure(request, 0)).rejects.toThrow(UnsupportedError);
          await expect(other.write(request, 0)).rejects.toThrow(UnsupportedError);
          await other.driver.release(request, await other.read(request), true);
          expect(content(other.route())).toEqual(before);
          expect(other.writes()).toBe(0);
          await other.embedded.close();
        }
      });
    });

    describe.skipIf(!hasVendorCrds())('what it writes is valid for the vendor (skipped without ../shared/crds)', () => {
      for (const [protocol, full] of Object.entries(subject.full) as [RouteRequest['protocol'], object][]) {
        it(`for ${protocol}`, async () => {
          const metadata = { labels: { team: 'blue' }, annotations: { note: 'apex' } };
          for (const service of [subject.minimal, { ...subject.minimal, ...full, apex: metadata }]) {
            const wish = aRequest(service, protocol);
            const cluster = openWorld(subject);
            expect(cluster.driver.validate(wish)).toEqual([]);
            await cluster.ensure(wish, 0, 'r1/1');
            await cluster.write(wish, 35, 'r1/2');
            expect((await cluster.read(wish)).seen).toMatchObject({ state: 'ready', askedPercent: 35 });
            await cluster.driver.release(wish, await cluster.read(wish), true);
            for (const files of subject.crds) {
              const validator = loadCrds(files);
              for (const object of cluster.written)
                expect(validator.check(object).problems, `${object.kind} by ${files.join()}`).toEqual([]);
            }
            await cluster.embedded.close();
          }
        });
      }
    });
  });
}
