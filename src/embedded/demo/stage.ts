// Everything that a story is played on, and the wait for something to happen there.
import { sleep, type Clock } from '../../util/clock.ts';
import type { Audit } from './audit.ts';
import type { CanaryLog } from './canary-log.ts';
import type { DemoCluster } from './cluster.ts';
import type { Ledger } from './ledger.ts';
import type { LoadThread } from './load-thread.ts';
import type { RouteLog } from './route-log.ts';
import type { Scene } from './scene.ts';

/** What a story needs. */
export interface Stage {
  readonly clock: Clock;
  readonly scene: Scene;
  readonly cluster: DemoCluster;
  readonly load: LoadThread;
  readonly ledger: Ledger;
  readonly route: RouteLog;
  readonly canary: CanaryLog;
  readonly audit: Audit;
  /** Aborted when the demo has to end. */
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 25;

/** Waits until `holds`, at most `limitMs`, or until the demo has to end. Says whether it held. */
export async function waitUntil(
  { clock, signal }: Pick<Stage, 'clock' | 'signal'>,
  holds: () => boolean,
  limitMs: number,
): Promise<boolean> {
  const endMs = clock.monotonicMs() + limitMs;
  while (!holds()) {
    if (signal.aborted || clock.monotonicMs() >= endMs) return false;
    await sleep(clock, LOOK_EVERY_MS, signal);
  }
  return true;
}
