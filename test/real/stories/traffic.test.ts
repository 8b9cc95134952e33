// A good revision under load on real meshes: taken over, promoted, and no request fails; judged by Prometheus and by scrape.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/util/clock.ts';
import { openApp } from '../stand/app.ts';
import { APP, MESHES } from '../stand/app-objects.ts';
import { openStand, type Stand } from '../stand/stand.ts';
import { expectDrained, expectNoFailures, expectShares, weightsSince } from './claims.ts';

const CASES = MESHES.flatMap((mesh) => (['http', 'grpc'] as const).map((protocol) => ({ mesh, protocol })));

describe('promotion', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand();
  });
  afterAll(() => stand?.stop());

  it.each(CASES)('$mesh, $protocol: taken over and promoted without a failed request', async ({ mesh, protocol }) => {
    const app = await openApp(stand, { namespace: `${mesh}-${protocol}`, mesh, protocol });
    const beginMs = systemClock.monotonicMs();
    await app.adopt();
    const changedMs = await app.setImage('app:1.1.0');
    const run = await app.waitForEnd('app:1.1.0');
    await app.settle();
    expect(run).toMatchObject({ outcome: 'promoted' });
    expect(await app.imageOf(`${APP}-primary`)).toBe('app:1.1.0');
    expect(weightsSince(app, changedMs)).toEqual([20, 40, 60, 0]);
    expectNoFailures(app, beginMs);
    expectShares(app, changedMs);
    expectDrained(app, changedMs);
    await app.close();
  });
});
