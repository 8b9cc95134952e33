// Waits for conditions of the real world, and finds free ports.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { sleep, systemClock } from '../../src/util/clock.ts';

const EVERY_MS = 25;

/**
 * Resolves with the first answer that is neither null nor false. A probe that throws counts as not yet. Throws after `limitMs` with what was
 * waited for and, if the last probe threw, why.
 */
export async function waitFor<Value>(
  what: string | (() => string),
  probe: () => Value | null | false | Promise<Value | null | false>,
  limitMs: number,
): Promise<Value> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    let why = '';
    try {
      const value = await probe();
      if (value !== null && value !== false) return value;
    } catch (error) {
      why = `: ${String(error)}`;
    }
    if (performance.now() > endMs)
      throw new Error(
        `Cannot go on: waited ${limitMs / 1_000} s for ${typeof what === 'string' ? what : what()}${why}`,
      );
    await sleep(systemClock, EVERY_MS);
  }
}

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) server.close();
  return ports;
}
