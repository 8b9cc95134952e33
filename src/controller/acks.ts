// What this process knows of deliveries and the record does not yet: which sink has which entry, and where its message is.
import type { OutboxEntry } from '../core/announcements.ts';
import type { State } from '../core/state.ts';

interface Handle {
  readonly runId: string;
  readonly handle: string;
  readonly isRecorded: boolean;
}

interface Held {
  /** By sequence number: the sinks that have the entry. */
  readonly sinks: Map<number, Set<string>>;
  /** By sink: the message of a run that the next delivery of that run updates; kept while entries of that run are open. */
  readonly handles: Map<string, Handle>;
  lost: number;
  /** Of them, what the state of the look under way carries. */
  lostCarried: number;
  /** Since when something is held that no record says; null when only handles are kept. */
  sinceMs: number | null;
}

const runOf = (state: State): string => state.run?.id ?? '0';

/** Acknowledged by all sinks. */
export const ALL = '*';

/** Acknowledgements between delivery and record, by the uid of a Canary. Losing them repeats deliveries, under the same keys. */
export class Acks {
  readonly #held = new Map<string, Held>();

  /** The sink has the entry, by the entry itself or by what is held. */
  has(uid: string, entry: OutboxEntry, sink: string): boolean {
    const held = this.#held.get(uid)?.sinks.get(entry.seq);
    return [sink, ALL].some((name) => entry.acks.includes(name) || held?.has(name) === true);
  }

  /** Holds one more. */
  add(uid: string, entry: OutboxEntry, sink: string, nowMs: number): void {
    const held = this.#open(uid, nowMs);
    const sinks = held.sinks.get(entry.seq) ?? new Set<string>();
    held.sinks.set(entry.seq, sinks.add(sink));
  }

  /** Holds where the message of the entry's run is. */
  addHandle(uid: string, entry: OutboxEntry, sink: string, handle: string, nowMs: number): void {
    this.#open(uid, nowMs).handles.set(sink, { runId: entry.runId, handle, isRecorded: false });
  }

  /** Keeps the handles of a run that another one takes the place of: some of its entries may be open still. */
  keepHandles(uid: string, of: State): void {
    for (const [sink, handle] of Object.entries(of.handles)) {
      const { handles } = this.#open(uid, null);
      if (!handles.has(sink)) handles.set(sink, { runId: runOf(of), handle, isRecorded: true });
    }
  }

  /** Counts an entry that a sink will never have. */
  addLost(uid: string, nowMs: number): void {
    this.#open(uid, nowMs).lost += 1;
  }

  /** Where the message of the entry's run is; null when there is none yet. */
  handleFor(uid: string, entry: OutboxEntry, state: State, sink: string): string | null {
    const held = this.#held.get(uid)?.handles.get(sink);
    if (held !== undefined && held.runId === entry.runId) return held.handle;
    return entry.runId === runOf(state) ? (state.handles[sink] ?? null) : null;
  }

  /** The state with everything held: what the next record says. Entries that every sink has are gone. */
  merged(uid: string, state: State): State {
    const held = this.#held.get(uid);
    if (held === undefined) return state;
    held.lostCarried = held.lost;
    const outbox = state.outbox.map((entry) => {
      const sinks = held.sinks.get(entry.seq);
      return sinks === undefined ? entry : { ...entry, acks: [...new Set([...entry.acks, ...sinks])].sort() };
    });
    const current = [...held.handles].filter(([, { runId }]) => runId === runOf(state));
    return {
      ...state,
      outbox: outbox.filter((entry) => !entry.acks.includes(ALL)),
      handles: { ...state.handles, ...Object.fromEntries(current.map(([sink, { handle }]) => [sink, handle])) },
      notificationsLost: state.notificationsLost + held.lost,
    };
  }

  /** A record was written: what it says need not be held any more. What came while it was written stays. */
  recorded(uid: string, state: State, nowMs: number): void {
    const held = this.#held.get(uid);
    if (held === undefined) return;
    const written = new Map(state.outbox.map((entry) => [entry.seq, entry.acks]));
    for (const [seq, sinks] of held.sinks) {
      for (const sink of written.get(seq) ?? sinks) sinks.delete(sink);
      if (sinks.size === 0) held.sinks.delete(seq);
    }
    for (const [sink, known] of held.handles) {
      const isRecorded = known.isRecorded || known.runId !== runOf(state) || state.handles[sink] === known.handle;
      if (!isRecorded) continue;
      if (state.outbox.some(({ runId }) => runId === known.runId)) held.handles.set(sink, { ...known, isRecorded });
      else held.handles.delete(sink);
    }
    held.lost -= held.lostCarried;
    held.lostCarried = 0;
    const isOpen =
      held.sinks.size > 0 || held.lost > 0 || [...held.handles.values()].some((known) => !known.isRecorded);
    held.sinceMs = isOpen ? nowMs : null;
    if (!isOpen && held.handles.size === 0) this.#held.delete(uid);
  }

  /** Since when something is held that no record says; null when nothing is. */
  sinceMs(uid: string): number | null {
    return this.#held.get(uid)?.sinceMs ?? null;
  }

  /** `nowMs` null: what is added is recorded already. */
  #open(uid: string, nowMs: number | null): Held {
    const held = this.#held.get(uid) ?? {
      sinks: new Map<number, Set<string>>(),
      handles: new Map<string, Handle>(),
      lost: 0,
      lostCarried: 0,
      sinceMs: null,
    };
    held.sinceMs ??= nowMs;
    this.#held.set(uid, held);
    return held;
  }
}
