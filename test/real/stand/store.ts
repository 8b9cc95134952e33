// The store of the queue: a real Redis or Valkey that keeps nothing on disk.
import { createConnection } from 'node:net';
import { startProcess, type RealProcess } from '../process.ts';
import { waitFor } from '../waiting.ts';

/** A running store. */
export interface Store {
  readonly url: string;
  /** Sends one command, as `redis-cli` does; resolves with what came back. */
  send(command: string): Promise<string>;
  /** Ends it as a crash does: what it held is gone. */
  kill(): Promise<void>;
  /** Starts it again, empty. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PORT = 15_379;
const READY_MAX_MS = 20_000;

/** Starts `redis-server` or `valkey-server`, whose flags are the same. */
export async function startStore(program: string, folder: string): Promise<Store> {
  let process: RealProcess | null = null;
  const store: Store = {
    url: `redis://127.0.0.1:${PORT}`,
    send,
    async kill() {
      await process?.kill();
    },
    async start() {
      const flags = {
        port: String(PORT),
        bind: '127.0.0.1',
        save: '',
        appendonly: 'no',
        'maxmemory-policy': 'noeviction',
      };
      const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
      process = startProcess({ name: 'store', program, args, folder });
      await waitFor('a ready store', async () => (await send('PING')).includes('PONG'), READY_MAX_MS);
    },
    async stop() {
      await process?.stop();
    },
  };
  await store.start();
  return store;
}

function send(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port: PORT }, () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once('error', reject);
  });
}
