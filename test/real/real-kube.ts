// The product's own client and cache on a real API server, as one user.
import type { OpenKube } from '../../src/kube/connect.ts';
import { openKube } from '../../src/kube/connect.ts';
import { createUndiciTransport } from '../../src/kube/undici-transport.ts';
import { systemClock } from '../../src/util/clock.ts';
import { systemRandom } from '../../src/util/random.ts';
import type { ControlPlane } from './control-plane.ts';
import { strictTransport, type StrictTransport } from './strict-transport.ts';

/** Client and cache, and what they have written. */
export interface RealKube extends OpenKube {
  readonly transport: StrictTransport;
}

/** Connects as a user; unknown fields are forbidden in everything that is written. */
export function openRealKube(plane: ControlPlane, user = 'admin'): RealKube {
  const transport = strictTransport(createUndiciTransport({ server: plane.url, tls: { ca: plane.caPem } }));
  const authorization = `Bearer ${plane.tokenOf(user)}`;
  const kube = openKube({
    transport,
    clock: systemClock,
    random: systemRandom,
    authorize: (headers) => Promise.resolve(void Object.assign(headers, { authorization })),
  });
  return { ...kube, transport };
}
