// Parts fail in the middle of a run, under load: serin itself, the API server, Prometheus, the mesh's control plane, the queue's store.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../../src/util/clock.ts';
import { APP } from '../stand/app-objects.ts';
import type { StandApp } from '../stand/app.ts';
import { ASKS_ISTIOD, openStand, type Stand } from '../stand/stand.ts';
import { waitFor } from '../waiting.ts';
import { expectDrained, expectNoFailures, expectOnlyPlantedFailures, expectShares } from './claims.ts';
import { openFleet, type Fleet, type FleetCase } from './fleet.ts';

/** One of each control plane; both protocols are among them. */
const ROWS: readonly FleetCase[] = [
  { mesh: 'istio', protocol: 'http' },
  { mesh: 'gateway-api-istio', protocol: 'grpc' },
  { mesh: 'gateway-api-contour', protocol: 'http' },
];
const MINUTE_MS = 60_000;
/** How long the API server is away. */
const AWAY_MS = 5_000;
/** How long a data plane is watched that must not change. */
const PAUSE_MS = 15_000;
const END_MAX_MS = 240_000;

let stand: Stand;
let fleet: Fleet;
beforeAll(async () => {
  stand = await openStand();
  fleet = await openFleet(stand, ROWS);
  await Promise.all(fleet.all.map((app) => app.adopt()));
});
afterAll(async () => {
  await fleet?.close();
  await stand?.stop();
});

/** Brings a good revision to all apps, lets the fault happen once all are at a weight, and expects that it hurts nobody. */
async function promoteThrough(fault: () => Promise<void>, atWeight = 20): Promise<void> {
  const begun = await Promise.all(
    fleet.all.map(async (app) => {
      const image = app.nextImage();
      return { app, image, changedMs: await app.setImage(image) };
    }),
  );
  await Promise.all(begun.map(({ app }) => app.waitForWeight(atWeight)));
  await fault();
  await Promise.all(begun.map(({ app, image, changedMs }) => expectPromoted(app, image, changedMs)));
}

async function expectPromoted(app: StandApp, image: string, changedMs: number): Promise<void> {
  const { outcome, reason, message } = await app.waitForEnd(image, END_MAX_MS);
  expect(`${outcome} (${reason}: ${message})`).toMatch(/^promoted/);
  await app.settle();
  expect(await app.imageOf(`${APP}-primary`)).toBe(image);
  expectNoFailures(app, changedMs);
  expectShares(app, changedMs);
  expectDrained(app, changedMs);
}

describe('serin killed by kill -9', () => {
  it.each(['Progressing', 'Promoting', 'Finalising'])('in phase %s and started again goes on', async (phase) => {
    const [first] = fleet.all;
    const begun = await Promise.all(
      fleet.all.map(async (app) => {
        const image = app.nextImage();
        return { app, image, changedMs: await app.setImage(image) };
      }),
    );
    await first?.waitForPhase(phase, END_MAX_MS, begun[0]?.changedMs);
    await fleet.stand.serin.kill();
    await fleet.stand.serin.start();
    await Promise.all(begun.map(({ app, image, changedMs }) => expectPromoted(app, image, changedMs)));
  });

  it('while it rolls back ends the rollback when it is started again', async () => {
    const begun = await Promise.all(
      fleet.all.map(async (app) => {
        const image = app.nextImage('500@30%');
        return { app, image, changedMs: await app.setImage(image) };
      }),
    );
    const { serin } = fleet.stand;
    await waitFor('a rollback', () => fleet.all.some((app) => isRollingBack(app)), END_MAX_MS);
    await serin.kill();
    await serin.start();
    for (const { app, image, changedMs } of begun) {
      expect(await app.waitForEnd(image, END_MAX_MS)).toMatchObject({ outcome: 'rolledBack' });
      await app.settle();
      expectOnlyPlantedFailures(app, changedMs);
      expectDrained(app, changedMs);
    }
  });

  it('while it takes an app over goes on', async () => {
    const app = fleet.of({ mesh: 'istio', protocol: 'http' });
    await app.release();
    const beginMs = systemClock.monotonicMs();
    const adopted = app.adopt();
    await app.waitForPhase('Initializing', END_MAX_MS, beginMs);
    await fleet.stand.serin.kill();
    await fleet.stand.serin.start();
    await adopted;
    await app.settle();
    expectNoFailures(app, beginMs);
  });
});

/** In phase Progressing the status shows to users what the machine calls RollingBack. */
const isRollingBack = (app: StandApp): boolean => {
  const last = app.steps.at(-1);
  const before = app.steps.at(-2);
  return last?.weightPercent === 0 && (before?.weightPercent ?? 0) > 0 && app.canary.phase !== 'Failed';
};

describe('in the middle of a run', () => {
  it('the API server is killed and comes back', async () => {
    const { plane } = fleet.stand;
    await promoteThrough(async () => {
      await plane.stopApiServer('kill');
      await sleep(systemClock, AWAY_MS);
      await plane.startApiServer();
    });
  });

  it('Prometheus is down for a minute', async () => {
    const { prometheus } = fleet.stand;
    await promoteThrough(async () => {
      await prometheus.process.kill();
      await sleep(systemClock, MINUTE_MS);
      await prometheus.start();
    });
  });

  it('istiod is down for a minute', async () => {
    const { istio } = fleet.stand;
    await promoteThrough(async () => {
      await istio.istiod.kill();
      await sleep(systemClock, MINUTE_MS);
      await istio.startIstiod();
    });
  });

  it.skipIf(!ASKS_ISTIOD)(
    'istiod stands still: the weight is asked but not live, nothing is scaled down, and it goes on with istiod',
    async () => {
      const { istio } = fleet.stand;
      const apps = fleet.all.filter(({ spec }) => spec.mesh !== 'gateway-api-contour');
      const begun = await Promise.all(
        apps.map(async (app) => {
          const image = app.nextImage();
          return { app, image, changedMs: await app.setImage(image) };
        }),
      );
      await Promise.all(apps.map((app) => app.waitForWeight(60)));
      await waitFor(
        'weight 60 everywhere',
        async () => (await Promise.all(apps.map((app) => app.live()))).every((live) => live === 60),
        END_MAX_MS,
      );
      istio.istiod.signal('SIGSTOP');
      const pausedMs = systemClock.monotonicMs();
      // Long enough that a controller that only waits would have scaled down.
      await sleep(systemClock, PAUSE_MS);
      for (const app of apps) {
        expect(await app.live()).toBe(60);
        expect(app.scaledDownMs.filter((atMs) => atMs > pausedMs)).toEqual([]);
      }
      istio.istiod.signal('SIGCONT');
      await Promise.all(begun.map(({ app, image, changedMs }) => expectPromoted(app, image, changedMs)));
    },
  );

  it('the store of the queue is killed and comes back empty, and is flushed', async () => {
    const { store } = fleet.stand;
    await promoteThrough(async () => {
      await store.kill();
      await sleep(systemClock, AWAY_MS);
      await store.start();
      await Promise.all(fleet.all.map((app) => app.waitForWeight(40)));
      await store.send('FLUSHALL');
    });
  });
});
