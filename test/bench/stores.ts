// The queue stores that can be measured here, each with a server of its own that the bench starts and stops.
import { skipPostgres, skipRedis, startPostgres, startRedis } from '../conformance/queue/servers.ts';
import type { QueueConfig } from '../../src/queue/open.ts';
import type { BenchOptions, StoreName } from './options.ts';

/** A store that runs. */
export interface RunningStore {
  readonly name: StoreName;
  readonly config: QueueConfig;
  /** Flags by which the controller uses it. */
  readonly flags: readonly string[];
  stop(): Promise<void>;
}

const MISSING: Readonly<Record<StoreName, boolean>> = { embedded: false, redis: skipRedis, postgres: skipPostgres };

/** Of the stores asked for, those that are installed. */
export function storesOf({ stores }: BenchOptions): readonly StoreName[] {
  return stores.filter((name) => !MISSING[name]);
}

/** Starts the server of a store, where it has one. */
export async function startStore(name: StoreName): Promise<RunningStore> {
  if (name === 'embedded') return { name, config: { embedded: true }, flags: [], stop: () => Promise.resolve() };
  if (name === 'redis') {
    const server = await startRedis(() => ['--maxmemory-policy', 'noeviction']);
    const { url } = server;
    return { name, config: { redisUrl: url }, flags: ['--redis-url', url], stop: () => server.stop() };
  }
  const server = await startPostgres();
  const { url } = server;
  return { name, config: { postgresUrl: url }, flags: ['--postgres-url', url], stop: () => server.stop() };
}

/** Runs `work` on the store and stops it afterwards, whatever happens. */
export async function withStore<T>(name: StoreName, work: (store: RunningStore) => Promise<T>): Promise<T> {
  const store = await startStore(name);
  try {
    return await work(store);
  } finally {
    await store.stop();
  }
}
