// Sends requests for a thread that stands still until the answer is there. Started by sync-store.ts as a worker.
import { Agent, request } from 'node:https';
import { workerData, type MessagePort } from 'node:worker_threads';
import type { AskedFor, AskingData } from './sync-store.ts';

const { url, caPem, token, port, signal } = workerData as AskingData & { readonly port: MessagePort };
const agent = new Agent({ keepAlive: true, ca: caPem });

port.on('message', (asked: AskedFor) => {
  send(asked).then(
    (answer) => reply(answer),
    (error: unknown) => reply({ status: 0, text: String(error) }),
  );
});

function reply(answer: { readonly status: number; readonly text: string }): void {
  port.postMessage(answer);
  Atomics.add(new Int32Array(signal), 0, 1);
  Atomics.notify(new Int32Array(signal), 0);
}

function send({ method, path, body }: AskedFor): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const outgoing = request(url + path, { agent, method, headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
