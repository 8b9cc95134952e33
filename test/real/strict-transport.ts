// A transport that has a real server forbid unknown fields in everything that is written, and remembers what was written.
import type { KubeObject } from '../../src/kube/contract.ts';
import type { KubeTransport, TransportResponse } from '../../src/kube/transport.ts';

/** What went through. */
export interface StrictTransport extends KubeTransport {
  /** Objects as the server answered to each write that it took, apart from deletions. */
  readonly written: KubeObject[];
  /** How many writes were sent. */
  writes(): number;
}

/** Wraps a transport. */
export function strictTransport(inner: KubeTransport): StrictTransport {
  const written: KubeObject[] = [];
  let count = 0;
  return {
    written,
    writes: () => count,
    async request(request) {
      if (request.method === 'GET') return inner.request(request);
      count += 1;
      if (request.method === 'DELETE') return inner.request(request);
      const path = `${request.path}${request.path.includes('?') ? '&' : '?'}fieldValidation=Strict`;
      const answer = await inner.request({ ...request, path });
      return answer.status < 300 ? remember(answer, written) : answer;
    },
    close: () => inner.close(),
  };
}

async function remember(answer: TransportResponse, written: KubeObject[]): Promise<TransportResponse> {
  const parts: Uint8Array[] = [];
  for await (const part of answer.body) parts.push(part);
  written.push(JSON.parse(Buffer.concat(parts).toString('utf8')) as KubeObject);
  return { ...answer, body: piecesOf(parts) };
}

async function* piecesOf(parts: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* parts;
}
