// How simulated processes reach the API server: by a call within the process, or through real sockets, TLS and HTTP.
import type { ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { ApiRequest, ApiResponse } from '../../src/embedded/apiserver/types.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

/** One way to the server. */
export interface Wire {
  /** The world's clock: it stands still while anything is on the wire. */
  readonly clock: VirtualClock;
  /** Called once, before the first request. */
  open(api: ApiServer): Promise<void>;
  /** One exchange. The signal ends a watch; anything else is answered to its end. */
  ask(request: ApiRequest): Promise<ApiResponse>;
  close(): Promise<void>;
}

/** The way within the process. */
export function openDirectWire(): Wire {
  let server: ApiServer | null = null;
  return {
    clock: new VirtualClock({ turns: 1 }),
    open(api) {
      server = api;
      return Promise.resolve();
    },
    ask(request) {
      if (server === null) throw new TypeError('Cannot ask before the wire is open');
      return server.handle(request);
    },
    close: () => Promise.resolve(),
  };
}
