// Real requests through real meshes: taken over, promoted, rolled back, interrupted and released; each claim is what clients saw.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/util/clock.ts';
import { APP, FIRST_IMAGE, MESHES } from '../stand/app-objects.ts';
import type { StandApp } from '../stand/app.ts';
import { SERIN_USER } from '../stand/serin.ts';
import { openStand, type Stand } from '../stand/stand.ts';
import {
  expectDrained,
  expectNoFailures,
  expectOnlyPlantedFailures,
  expectShares,
  userPartOf,
  weightsSince,
} from './claims.ts';
import { openFleet, type Fleet } from './fleet.ts';

/** Who judges the revisions: the built-in queries at a real Prometheus, or serin's own reading of the pods. */
const JUDGES = [
  ['prometheus', {}],
  ['scrape', { metricsServer: 'scrape' }],
] as const;

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand?.stop());

// One implementation after the other, both protocols at once: more would be about the machine.
describe.each(MESHES)('%s', (mesh) => {
  const CASES = (['http', 'grpc'] as const).map((protocol) => ({ mesh, protocol }));
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await openFleet(stand, CASES);
  });
  afterAll(() => fleet?.close());

  describe('a running app', () => {
    it.concurrent.each(CASES)('$protocol: is taken over without a failed request', async (row) => {
      const app = fleet.of(row);
      const beginMs = systemClock.monotonicMs();
      const before = userPartOf(app.route);
      await app.adopt();
      await app.settle();
      expectNoFailures(app, beginMs);
      expect(await app.imageOf(`${APP}-primary`)).toBe(FIRST_IMAGE);
      expect(userPartOf(app.route)).toBe(before);
    });
  });

  describe.each(JUDGES)('judged by %s', (_, spec) => {
    it.concurrent.each(CASES)('$protocol: a good revision is promoted without a failed request', async (row) => {
      const app = fleet.of(row);
      await app.change(spec);
      const before = userPartOf(app.route);
      const image = app.nextImage();
      const changedMs = await app.setImage(image);
      expect(await app.waitForEnd(image)).toMatchObject({ outcome: 'promoted' });
      await app.settle();
      expect(await app.imageOf(`${APP}-primary`)).toBe(image);
      expect(weightsSince(app, changedMs)).toEqual([20, 40, 60, 0]);
      expectNoFailures(app, changedMs);
      expect(expectShares(app, changedMs).map(({ weightPercent }) => weightPercent)).toEqual([0, 20, 40, 60, 0]);
      expectDrained(app, changedMs);
      expect(userPartOf(app.route)).toBe(before);
    });

    it.concurrent.each(CASES)('$protocol: a revision that fails is rolled back', async (row) => {
      await rollBack(fleet.of(row), '500@20%', 'request-success-rate');
    });

    it.concurrent.each(CASES)('$protocol: a revision that is slow is rolled back', async (row) => {
      await rollBack(fleet.of(row), 'slow@900ms', 'request-duration');
    });
  });

  describe('a revision', () => {
    it.concurrent.each(CASES)('$protocol: that crashes gets no traffic and is rolled back', async (row) => {
      const app = fleet.of(row);
      await app.change({ progressDeadlineSeconds: 45 });
      const image = app.nextImage('crashloop');
      const changedMs = await app.setImage(image);
      expect(await app.waitForEnd(image)).toMatchObject({ outcome: 'rolledBack' });
      await app.settle();
      expect(weightsSince(app, changedMs)).toEqual([]);
      expectNoFailures(app, changedMs);
      await app.change({});
    });

    it.concurrent.each(CASES)('$protocol: that another follows in the middle is never promoted', async (row) => {
      const app = fleet.of(row);
      const [skipped, image] = [app.nextImage(), app.nextImage()];
      const changedMs = await app.setImage(skipped);
      await app.waitForWeight(40);
      await app.setImage(image);
      expect(await app.waitForEnd(image)).toMatchObject({ outcome: 'promoted' });
      await app.settle();
      const versions = new Set(
        app.answersSince(changedMs).flatMap(({ role, version }) => (role === 'primary' ? [version] : [])),
      );
      expect(versions).not.toContain(skipped.split(':')[1]);
      expect(await app.imageOf(`${APP}-primary`)).toBe(image);
      expectNoFailures(app, changedMs);
      expectDrained(app, changedMs);
    });

    it.concurrent.each(CASES)('$protocol: that is taken back ends its run', async (row) => {
      const app = fleet.of(row);
      const primary = (await app.imageOf(`${APP}-primary`)) ?? '';
      const image = app.nextImage();
      const changedMs = await app.setImage(image);
      await app.waitForWeight(20);
      await app.setImage(primary);
      expect((await app.waitForEnd(image)).outcome).not.toBe('promoted');
      await app.settle();
      expect(await app.imageOf(`${APP}-primary`)).toBe(primary);
      expect(weightsSince(app, changedMs).at(-1)).toBe(0);
      expectNoFailures(app, changedMs);
      expectDrained(app, changedMs);
    });
  });

  describe('a Canary that is deleted', () => {
    it.concurrent.each(CASES)('$protocol: leaves the app serving', async (row) => {
      const app = fleet.of(row);
      const beginMs = systemClock.monotonicMs();
      const before = userPartOf(app.route);
      await app.release();
      await app.settle();
      expectNoFailures(app, beginMs);
      expect(userPartOf(app.route)).toBe(before);
    });

    it.concurrent.each(CASES)('$protocol: gives everything back with revertOnDeletion', async (row) => {
      const app = fleet.of(row);
      const beginMs = systemClock.monotonicMs();
      await app.adopt();
      await app.change({ revertOnDeletion: true });
      const image = app.nextImage();
      await app.setImage(image);
      await app.waitForWeight(20);
      // In the middle of a run.
      await app.release();
      await app.settle();
      expectNoFailures(app, beginMs);
      expect(JSON.stringify(app.route?.['spec'])).not.toMatch(/web-(primary|canary)/);
    });
  });
});

describe('the audit log', () => {
  it('holds no request of serin that was refused, and none for Secrets', () => {
    const asked = stand.plane.audit.of(SERIN_USER);
    expect(asked.length).toBeGreaterThan(100);
    const refused = asked.filter(({ isAllowed, status }) => !isAllowed || status === 403);
    expect(refused.map(({ verb, path, status }) => `${verb} ${path} ${status}`)).toEqual([]);
    expect(asked.filter(({ resource, verb }) => resource === 'secrets' && verb !== 'get')).toEqual([]);
  });
});

/** The revision goes back because of this check, the primary stays as it was, and only the canary failed. */
async function rollBack(app: StandApp, fault: string, check: string): Promise<void> {
  const primary = await app.imageOf(`${APP}-primary`);
  const image = app.nextImage(fault);
  const changedMs = await app.setImage(image);
  const run = await app.waitForEnd(image);
  await app.settle();
  expect(run).toMatchObject({ outcome: 'rolledBack' });
  expect(run.message).toContain(check);
  expect(await app.imageOf(`${APP}-primary`)).toBe(primary);
  expect(weightsSince(app, changedMs).at(-1)).toBe(0);
  expectOnlyPlantedFailures(app, changedMs);
  expectShares(app, changedMs);
  expectDrained(app, changedMs);
}
