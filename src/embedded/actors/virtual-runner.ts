// Pods that exist in time only: ready after a while, at an address that nobody can reach. For simulation and unit tests.
import { sleep } from '../../util/clock.ts';
import type { Clock } from '../../util/clock.ts';
import type { PodRunner } from './runner.ts';

/** How long things take. */
export interface VirtualRunnerOptions {
  readonly clock: Clock;
  readonly readyAfterMs: number;
  readonly goneAfterMs: number;
}

/** Opens the runner. Addresses count up through 10.244.0.0/16. */
export function openVirtualRunner(options: VirtualRunnerOptions): PodRunner {
  let count = 0;
  return {
    async start() {
      await sleep(options.clock, options.readyAfterMs);
      count += 1;
      return { ip: `10.244.${(count >> 8) & 255}.${count & 255}`, annotations: {} };
    },
    stop: () => sleep(options.clock, options.goneAfterMs),
  };
}
