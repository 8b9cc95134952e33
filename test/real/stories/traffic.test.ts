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
  expectNoFailuresButSwitch,
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
  const rows = (['http', 'grpc'] as const).map((protocol) => ({ mesh, protocol }));
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await openFleet(stand, rows);
  });
  afterAll(() => fleet?.close());

  /** A story of its own, so that those of one app follow each other. */
  const tell = (story: string, play: (app: StandApp) => Promise<void>): void => {
    describe(story, () => {
      it.concurrent.each(rows)('$protocol', (row) => play(fleet.of(row)));
    });
  };

  tell('a running app is taken over without a failed request', takeOver);
  describe.each(JUDGES)('judged by %s', (_, spec) => {
    tell('a good revision is promoted without a failed request', (app) => promote(app, spec));
    tell('a revision that fails is rolled back', (app) => rollBack(app, '500@20%', 'request-success-rate'));
    tell('a revision that is slow is rolled back', (app) => rollBack(app, 'slow@2500ms', 'request-duration'));
  });
  tell('a revision that crashes gets no traffic and is rolled back', crash);
  tell('a revision that another follows in the middle is never promoted', supersede);
  tell('a revision that is taken back ends its run', takeBack);
  tell('a Canary that is deleted leaves the app serving', release);
  tell('a Canary that is deleted in the middle gives everything back with revertOnDeletion', revert);
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

async function takeOver(app: StandApp): Promise<void> {
  const beginMs = systemClock.monotonicMs();
  const before = userPartOf(app.route);
  await app.adopt();
  await app.settle();
  expectNoFailuresButSwitch(app, beginMs);
  expect(await app.imageOf(`${APP}-primary`)).toBe(FIRST_IMAGE);
  expect(userPartOf(app.route)).toBe(before);
}

async function promote(app: StandApp, spec: Readonly<Record<string, unknown>>): Promise<void> {
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
}

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

async function crash(app: StandApp): Promise<void> {
  await app.change({ progressDeadlineSeconds: 45 });
  const image = app.nextImage('crashloop');
  const changedMs = await app.setImage(image);
  expect(await app.waitForEnd(image)).toMatchObject({ outcome: 'rolledBack' });
  await app.settle();
  expect(weightsSince(app, changedMs)).toEqual([]);
  expectNoFailures(app, changedMs);
  await app.change({});
}

async function supersede(app: StandApp): Promise<void> {
  const [skipped, image] = [app.nextImage(), app.nextImage()];
  const changedMs = await app.setImage(skipped);
  await app.waitForWeight(40);
  await app.setImage(image);
  expect(await app.waitForEnd(image)).toMatchObject({ outcome: 'promoted' });
  await app.settle();
  const byPrimary = app.answersSince(changedMs).filter(({ role }) => role === 'primary');
  expect(new Set(byPrimary.map(({ version }) => version))).not.toContain(skipped.split(':')[1]);
  expect(await app.imageOf(`${APP}-primary`)).toBe(image);
  expectNoFailures(app, changedMs);
  expectDrained(app, changedMs);
}

async function takeBack(app: StandApp): Promise<void> {
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
}

async function release(app: StandApp): Promise<void> {
  const beginMs = systemClock.monotonicMs();
  const before = userPartOf(app.route);
  await app.release();
  await app.settle();
  expectNoFailuresButSwitch(app, beginMs);
  expect(userPartOf(app.route)).toBe(before);
}

async function revert(app: StandApp): Promise<void> {
  const beginMs = systemClock.monotonicMs();
  await app.adopt();
  await app.change({ revertOnDeletion: true });
  await app.setImage(app.nextImage());
  await app.waitForWeight(20);
  await app.release();
  await app.settle();
  expectNoFailuresButSwitch(app, beginMs);
  expect(JSON.stringify(app.route?.['spec'])).not.toMatch(/web-(primary|canary)/);
}
