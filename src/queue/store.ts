// What a queue store gives to the BullMQ adapter: connections, and an eye on its own health.
import type { BackendFactory, ConnectionOptions } from 'bullmq';
import type { Clock } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import type { Log } from '../telemetry/contract.ts';
import type { QueueHealth } from './contract.ts';

/** What the queue needs from the outside. */
export interface QueuePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Durations of the queue, in milliseconds. The defaults are right for production; tests shorten them. */
export interface QueueTimings {
  /** A worker that has not renewed its lock for so long has lost its job. */
  readonly lockMs: number;
  /** How often lost jobs are looked for. */
  readonly stalledEveryMs: number;
  /** How often a canary job is sent through the queue. */
  readonly beatEveryMs: number;
  /** A worker without a sign of life for so long is rebuilt. */
  readonly silentAfterMs: number;
  /** How often the store is asked how it is set up. */
  readonly inspectEveryMs: number;
  /** How often a store that is away is tried again. */
  readonly probeEveryMs: number;
  /** A command without an answer for so long means that the store is away. */
  readonly commandTimeoutMs: number;
  /** Longest pause between two attempts of a connection to come back. */
  readonly reconnectMaxMs: number;
  /** How long `openQueue` waits for a store that does not answer before it goes on in the background. */
  readonly openWaitMs: number;
}

export const DEFAULT_TIMINGS: QueueTimings = {
  lockMs: 15_000,
  stalledEveryMs: 5_000,
  beatEveryMs: 10_000,
  silentAfterMs: 45_000,
  inspectEveryMs: 60_000,
  probeEveryMs: 1_000,
  commandTimeoutMs: 2_000,
  reconnectMaxMs: 2_000,
  openWaitMs: 10_000,
};

/** Producers fail fast and never wait for a store that is away; workers wait for it for ever. */
export type LinkRole = 'producer' | 'worker';

/** The connections of one producer or one worker. */
export interface StoreLink {
  readonly connection: ConnectionOptions;
  readonly factory: BackendFactory;
  /** Ends every connection at once, whatever state it is in. Never throws. */
  destroy(): void;
}

/** A place where BullMQ keeps its jobs. */
export interface QueueStore {
  readonly kind: QueueHealth['store'];
  /** Adds that one process may have in flight. */
  readonly parallelMax: number;
  /** Makes the store ready for jobs (its schema). Rejects while the store is away; is called again then. */
  prepare(): Promise<void>;
  connect(role: LinkRole): StoreLink;
  /** True when the store answers and only lost a race: the same command may succeed at once. */
  isPassing(error: unknown): boolean;
  /** What is wrong with how the store is set up, null when nothing is. Rejects when it cannot be asked. */
  inspect(): Promise<string | null>;
  close(): Promise<void>;
}
