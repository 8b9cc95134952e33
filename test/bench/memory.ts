// Resident memory of an idle controller for numbers of Canaries, freshly started beside them, and how long that start takes.
import { namesOf } from './cluster.ts';
import { mebibytes, round } from './figures.ts';
import type { BenchOptions, StoreName } from './options.ts';
import { untilStill, withStage } from './stage.ts';
import { startStore, storesOf, withStore } from './stores.ts';

/** One controller, started beside so many Canaries that are all Initialized. */
export interface MemoryFigures {
  readonly store: StoreName;
  readonly canaries: number;
  readonly startSeconds: number;
  readonly residentMebibytes: number;
  readonly heapMebibytes: number;
}

const LIMIT_MS = 1_200_000;

/** Measures every store at every size. */
export async function measureMemory(options: BenchOptions): Promise<readonly MemoryFigures[]> {
  const names = storesOf(options);
  return withStage(options, async (stage) => {
    const figures: MemoryFigures[] = [];
    let there = 0;
    for (const size of options.sizes) {
      const added = namesOf(there, size);
      there = size;
      stage.cluster.add(added, { ...options, threshold: 5, metricsServer: stage.prometheus.url });
      // One controller does the work of the beginning; those that are measured find it done.
      if (added.length > 0) {
        const fastest = names.includes('redis') ? 'redis' : (names[0] ?? 'embedded');
        await withStore(fastest, (store) =>
          stage.withController(store, async (controller) => {
            await stage.cluster.untilPhase(added, 'Initialized', LIMIT_MS);
            await untilStill(stage, controller, options.calmMs);
          }),
        );
      }
      for (const name of names) {
        const store = await startStore(name);
        try {
          figures.push(
            await stage.withController(store, async (controller) => {
              await untilStill(stage, controller, options.calmMs);
              const { residentBytes, heapBytes } = await controller.usage();
              return {
                store: name,
                canaries: size,
                startSeconds: round(controller.startSeconds, 1),
                residentMebibytes: mebibytes(residentBytes),
                heapMebibytes: mebibytes(heapBytes),
              };
            }),
          );
        } finally {
          await store.stop();
        }
      }
    }
    return figures;
  });
}
