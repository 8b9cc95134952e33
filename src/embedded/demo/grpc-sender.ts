// Sends calls of proto.DataService, half of them over connections that are kept, without any retry.
import { credentials, type ClientUnaryCall, type Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../util/clock.ts';
import { DataServiceClient, type GetReply } from '../actors/grpc-service.ts';
import type { Reply, Sender } from './load.ts';

const TIMEOUT_MS = 10_000;

type Callback = (error: ServiceError | null, reply?: GetReply) => void;
interface GetClient {
  Get(request: { key: string }, options: { deadline: Date }, callback: Callback): ClientUnaryCall;
  close(): void;
}

/** Opens a sender to `address` (ip:port, so that no name is looked up); hosts become the authority of the call. */
export function openGrpcSender(address: string, clock: Clock): Sender {
  const kept = new Map<string, GetClient>();
  const open = (host: string): GetClient =>
    new DataServiceClient(`ipv4:${address}`, credentials.createInsecure(), {
      'grpc.default_authority': host,
      'grpc.enable_retries': 0,
      // Each client has connections of its own.
      'grpc.use_local_subchannel_pool': 1,
    }) as unknown as GetClient;
  return {
    async send(host, onNewConnection) {
      const isFirst = !onNewConnection && !kept.has(host);
      const client = onNewConnection ? open(host) : (kept.get(host) ?? open(host));
      if (isFirst) kept.set(host, client);
      const reply = await call(client, new Date(clock.nowMs() + TIMEOUT_MS));
      if (onNewConnection) client.close();
      return { ...reply, isNewConnection: onNewConnection || isFirst };
    },
    close() {
      for (const client of kept.values()) client.close();
    },
  };
}

function call(client: GetClient, deadline: Date): Promise<Omit<Reply, 'isNewConnection'>> {
  return new Promise((resolve) => {
    let headers: Metadata | null = null;
    const textOf = (name: string): string | null => {
      const [value] = headers?.get(name) ?? [];
      return typeof value === 'string' ? value : null;
    };
    const sent = client.Get({ key: 'demo' }, { deadline }, (error) => {
      const role = textOf('x-role');
      resolve({
        isOk: error === null,
        role: role === 'primary' || role === 'canary' ? role : null,
        version: textOf('x-version'),
        problem: error === null ? '' : `gRPC status ${error.code}: ${error.details}`,
      });
    });
    sent.on('metadata', (received) => {
      headers = received;
    });
  });
}
