// What every actor of the embedded cluster is given, and how it is ended.
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { StoreAccess } from '../apiserver/access.ts';

/** The world of an actor: the store (no HTTP), time and randomness. */
export interface ActorOptions {
  readonly store: StoreAccess;
  readonly clock: Clock;
  readonly random: Random;
  /** How long an actor takes to see a change, in milliseconds. */
  readonly delayMs: number;
}

/** A running actor. */
export interface Actor {
  stop(): void;
}
