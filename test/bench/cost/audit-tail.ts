// Reads the controller's requests off the end of the audit log, as they are written.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/** One request of the controller that was answered; a watch when it was opened. */
export interface Audited {
  /** When the server received it; milliseconds since the epoch. */
  readonly atMs: number;
  readonly verb: string;
  /** `plural`, with its subresource. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
}

interface Line {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
}

const PIECE_BYTES = 4_194_304;

/** The log of one API server, for one user. */
export class AuditTail {
  readonly entries: Audited[] = [];
  readonly #path: string;
  readonly #user: string;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  #offset = 0;
  #rest = '';

  constructor(path: string, user: string) {
    this.#path = path;
    this.#user = user;
  }

  /** Takes in what was written since; returns all entries from a time on. */
  since(fromMs: number): readonly Audited[] {
    this.#read();
    return this.entries.filter(({ atMs }) => atMs >= fromMs);
  }

  /** When the last request came that was no watch. */
  lastMs(): number {
    this.#read();
    return this.entries.findLast(({ verb }) => verb !== 'watch')?.atMs ?? 0;
  }

  #read(): void {
    if (!existsSync(this.#path)) return;
    const file = openSync(this.#path, 'r');
    try {
      for (;;) {
        const bytes = readSync(file, this.#piece, 0, PIECE_BYTES, this.#offset);
        if (bytes === 0) return;
        this.#offset += bytes;
        const lines = (this.#rest + this.#piece.toString('utf8', 0, bytes)).split('\n');
        this.#rest = lines.pop() ?? '';
        for (const line of lines) this.#take(JSON.parse(line) as Line);
      }
    } finally {
      closeSync(file);
    }
  }

  #take({ stage, verb, user, objectRef = {}, responseStatus, requestReceivedTimestamp }: Line): void {
    if (user.username !== this.#user) return;
    if (stage !== (verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete')) return;
    const { resource = '', subresource = '', namespace = '', name = '' } = objectRef;
    this.entries.push({
      atMs: Date.parse(requestReceivedTimestamp),
      verb,
      resource: subresource === '' ? resource : `${resource}/${subresource}`,
      namespace,
      name,
      status: responseStatus?.code ?? 0,
    });
  }
}
