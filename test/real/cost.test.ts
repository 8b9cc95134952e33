// What a hundred Canaries cost a real API server, on each store: the counts are judged, the times only told.
import { afterAll, describe, expect, it } from 'vitest';
import { skipRedis, WHY_REDIS } from '../conformance/queue/servers.ts';
import { COST_PARTS } from '../bench/cost/cluster.ts';
import type { CostFigures } from '../bench/cost/figures.ts';
import { measureCost } from '../bench/cost/measure.ts';
import { costText } from '../bench/cost/report.ts';
import { readOptions } from '../bench/options.ts';
import type { StoreName } from '../bench/options.ts';
import { describeMissing } from './parts.ts';

const CANARIES = 100;
/** Some three minutes where nothing else works; a machine that is shared takes its time. */
const LIMIT_MS = 900_000;
const missing = process.env['CI'] === 'true' ? null : describeMissing(COST_PARTS);
const WHY = missing === null ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== null)(`npm run bench -- cost, ${CANARIES} canaries${WHY}`, () => {
  const told: string[] = [];
  afterAll(() => {
    process.stdout.write(`${told.join('\n')}\n`);
  });

  const measure = async (store: StoreName): Promise<CostFigures> => {
    const options = readOptions(['cost']);
    if (options === null) throw new TypeError('Cannot measure the cost: the options ask for help');
    const figures = await measureCost(store, CANARIES, options);
    told.push(costText(figures), JSON.stringify(figures));
    return figures;
  };

  const stores = [
    { store: 'redis', isSkipped: skipRedis, why: WHY_REDIS },
    { store: 'embedded', isSkipped: false, why: '' },
  ] as const;
  for (const { store, isSkipped, why } of stores)
    it.skipIf(isSkipped)(
      `on ${store}${why}`,
      async () => {
        const { idle, run, breach, restart } = await measure(store);
        expect(idle.requestsPerCanary, 'requests of an idle minute').toBe(0);
        expect(idle.eventsPerCanary).toBe(0);
        expect(idle.queriesPerCanary).toBe(0);
        expect(run.requestsPerCanary, 'a whole run, Events apart').toBeLessThanOrEqual(30);
        expect(run.writesPerStepMax, 'writes of a weight step').toBeLessThanOrEqual(3);
        expect(run.queriesPerCanary).toBeCloseTo(10, 0);
        expect(breach.visibleToCommitMs.count).toBe(CANARIES);
        expect(restart.writesPerCanary, 'a start beside Canaries at rest').toBe(0);
      },
      LIMIT_MS,
    );
});
