// Where the servers of the data plane listen: on a free port of the loopback address.
import type { AddressInfo, Server } from 'node:net';

/** Listens on a free port of 127.0.0.1. Returns the port; throws what the server could not do. */
export async function listenOnLoopback(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}
