// Calls of the hardened client for tests: short requests, and the error that one ends in.
import { expect } from 'vitest';
import { SerinError } from '../../../src/errors.ts';
import { createHttpClient, type ClosableHttpClient, type HttpClientOptions } from '../../../src/http/client.ts';
import type { HttpRequest } from '../../../src/http/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { atEnd } from './servers.ts';

/** A client that may reach loopback and is closed when the test ends. */
export function client(options: Partial<HttpClientOptions> = {}): ClosableHttpClient {
  const made = createHttpClient({ clock: systemClock, allowLoopback: true, ...options });
  atEnd(() => made.close());
  return made;
}

/** A GET with a limit of 5 s. */
export function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, timeoutMs: 5_000, purpose: 'test', ...more };
}

/** The error of the taxonomy in which a call ends; fails the test when it succeeds. */
export async function failureOf(promise: Promise<unknown>): Promise<SerinError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SerinError);
  return error as SerinError;
}
