// The real transport for tests.
import { createUndiciTransport } from '../../../src/kube/undici-transport.ts';
import type { UndiciTransport } from '../../../src/kube/undici-transport.ts';

export function openUndici(server: string): UndiciTransport {
  return createUndiciTransport({ server });
}
