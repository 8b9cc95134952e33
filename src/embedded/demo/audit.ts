// Counts what the controller asks of the API server, as an audit log shows it.
import type { Clock } from '../../util/clock.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { CONTROLLER_USER } from './cluster.ts';

interface Asked {
  readonly atMs: number;
  readonly isWrite: boolean;
  readonly isEvent: boolean;
}

/** Requests of the controller over some stretches of time, watches left out. */
export interface RequestSums {
  readonly requests: number;
  readonly writes: number;
  /** Creations of Events, which are among both. */
  readonly events: number;
}

/** Stretches of time, in monotonic milliseconds. */
export type Stretch = readonly [fromMs: number, untilMs: number];

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** Keeps the count. */
export class Audit {
  readonly #asked: Asked[] = [];
  readonly #stop: () => void;

  constructor(api: ApiServer, clock: Clock) {
    this.#stop = api.onRequest(({ user, verb, resource }) => {
      if (user !== CONTROLLER_USER || verb === 'watch') return;
      const isEvent = resource.startsWith('events');
      this.#asked.push({ atMs: clock.monotonicMs(), isWrite: WRITES.includes(verb), isEvent });
    });
  }

  /** Adds up what was asked within the stretches. */
  sum(stretches: readonly Stretch[]): RequestSums {
    const asked = this.#asked.filter(({ atMs }) => stretches.some(([from, until]) => atMs >= from && atMs < until));
    return {
      requests: asked.length,
      writes: asked.filter(({ isWrite }) => isWrite).length,
      events: asked.filter(({ isEvent }) => isEvent).length,
    };
  }

  stop(): void {
    this.#stop();
  }
}
