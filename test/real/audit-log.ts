// Reads the audit log of a real API server: which user asked for what, and how it was answered.
import { existsSync, readFileSync } from 'node:fs';

/** One request that was answered. */
export interface AuditEntry {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly status: number;
  /** What the authorizer decided. */
  readonly isAllowed: boolean;
  /** The RBAC rule or binding that allowed it. */
  readonly reason: string;
  /** When the server received it; milliseconds since the epoch. */
  readonly atMs: number;
}

interface Line {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The log of one API server. */
export class AuditLog {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** All entries so far, watches once each. The server writes them as they are answered, a moment later. */
  read(): readonly AuditEntry[] {
    if (!existsSync(this.#path)) return [];
    const lines = readFileSync(this.#path, 'utf8').split('\n');
    // A line that is not whole yet is read the next time.
    lines.pop();
    return lines.flatMap((line) => {
      const parsed = JSON.parse(line) as Line;
      const isOver = parsed.verb === 'watch' ? parsed.stage === 'ResponseStarted' : parsed.stage === 'ResponseComplete';
      return isOver ? [entryOf(parsed)] : [];
    });
  }

  /** Entries of one user from a time on, in milliseconds since the epoch. */
  of(user: string, sinceMs = 0): readonly AuditEntry[] {
    return this.read().filter((entry) => entry.user === user && entry.atMs >= sinceMs);
  }
}

function entryOf(line: Line): AuditEntry {
  const { objectRef = {}, annotations = {} } = line;
  return {
    user: line.user.username,
    verb: line.verb,
    group: objectRef['apiGroup'] ?? '',
    resource: objectRef['resource'] ?? '',
    subresource: objectRef['subresource'] ?? '',
    namespace: objectRef['namespace'] ?? '',
    name: objectRef['name'] ?? '',
    path: line.requestURI,
    status: line.responseStatus?.code ?? 0,
    isAllowed: annotations['authorization.k8s.io/decision'] === 'allow',
    reason: annotations['authorization.k8s.io/reason'] ?? '',
    atMs: Date.parse(line.requestReceivedTimestamp),
  };
}
