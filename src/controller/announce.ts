// The station that tells: sends what the outbox holds, in order, in the background; a slow sink never slows a rollout.
import type { OutboxEntry } from '../core/announcements.ts';
import { isResting } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../errors.ts';
import type { Announcement, Delivery, Notifier } from '../notify/contract.ts';
import type { Log } from '../telemetry/contract.ts';
import { sleep, type Clock } from '../util/clock.ts';

/** How the announcer reaches the rest of the process. */
export interface AnnouncerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly replica: string;
  /** Asks for a look at a Canary, because its acknowledgements want to be recorded. */
  wake(key: string): void;
  delivered(sink: string, outcome: string): void;
}

/** What is to be told about one Canary, as of its last record. */
export interface Telling {
  readonly key: string;
  readonly uid: string;
  readonly state: State;
  readonly notifiers: readonly Notifier[];
  render(entry: OutboxEntry): Announcement;
}

interface Acks {
  readonly sinks: Map<number, Set<string>>;
  handles: Record<string, string>;
  lost: number;
}

/** Another replica's entry is taken over only when it is this late. */
const TAKE_OVER_MS = 120_000;
/** A sink that fails for longer is given up, and the entry counts as lost. */
const GIVE_UP_MS = 86_400_000;
const BACKOFF_MAX_MS = 60_000;
/** At rest, acknowledgements of some sinks are recorded this long after the first, while others are still tried. */
const PARTLY_AFTER_MS = 5_000;

/** One chain of deliveries for each Canary and sink: ordered, at least once, under stable keys. */
export class Announcer {
  readonly #ports: AnnouncerPorts;
  readonly #acks = new Map<string, Acks>();
  /** Deliveries under way, `uid/sink` to the highest sequence number taken up. */
  readonly #busy = new Map<string, number>();
  readonly #pending = new Map<string, Telling>();
  /** Looks that are asked for already. */
  readonly #wakes = new Set<string>();
  readonly #stop = new AbortController();

  constructor(ports: AnnouncerPorts) {
    this.#ports = ports;
  }

  /** The state with the acknowledgements that this process holds: entries that every sink has are gone. */
  withAcks(uid: string, state: State): State {
    const acks = this.#acks.get(uid);
    if (acks === undefined || state.outbox.length === 0) return state;
    const outbox = state.outbox.map((entry) => {
      const sinks = acks.sinks.get(entry.seq);
      return sinks === undefined ? entry : { ...entry, acks: [...new Set([...entry.acks, ...sinks])].sort() };
    });
    const open = outbox.filter((entry) => !entry.acks.includes(ALL));
    return {
      ...state,
      outbox: open,
      handles: { ...state.handles, ...acks.handles },
      notificationsLost: state.notificationsLost + acks.lost,
    };
  }

  /** A record is committed: what it carried need not be remembered any more. */
  committed(uid: string, state: State): void {
    const acks = this.#acks.get(uid);
    if (acks === undefined) return;
    const recorded = new Map(state.outbox.map((entry) => [entry.seq, entry.acks]));
    for (const [seq, sinks] of acks.sinks) {
      for (const sink of recorded.get(seq) ?? sinks) sinks.delete(sink);
      if (sinks.size === 0) acks.sinks.delete(seq);
    }
    acks.lost = 0;
    acks.handles = {};
    if (acks.sinks.size === 0) this.#acks.delete(uid);
  }

  /** When an entry of another replica is late enough to be taken over, in milliseconds since the epoch; null when there is none. */
  takeOverAtMs(state: State): number | null {
    const others = state.outbox.filter((entry) => entry.owner !== this.#ports.replica);
    return others.length === 0 ? null : Math.min(...others.map((entry) => entry.atMs)) + TAKE_OVER_MS + 1;
  }

  /** Sends what is open. Returns at once; calling again while a sink is busy only shows it what came since. */
  tell(telling: Telling): void {
    const { uid, state } = telling;
    if (state.outbox.length === 0) return;
    this.#pending.set(uid, telling);
    const nowMs = this.#ports.clock.nowMs();
    const mine = state.outbox.filter(
      (entry) => entry.owner === this.#ports.replica || nowMs - entry.atMs > TAKE_OVER_MS,
    );
    if (mine.length === 0) return;
    for (const notifier of telling.notifiers) this.#start(uid, notifier.sink);
    this.#settle(uid);
  }

  #start(uid: string, sink: string): void {
    const name = `${uid} ${sink}`;
    if (this.#busy.has(name)) return;
    this.#busy.set(name, 0);
    void this.#drain(uid, sink).finally(() => this.#busy.delete(name));
  }

  /** Works one sink until nothing is open for it. */
  async #drain(uid: string, sink: string): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      const telling = this.#pending.get(uid);
      const notifier = telling?.notifiers.find((candidate) => candidate.sink === sink);
      const entry = telling?.state.outbox.find((candidate) => !this.#has(uid, candidate, sink));
      if (telling === undefined || notifier === undefined || entry === undefined) return;
      const announcement = telling.render(entry);
      if (!notifier.wants(announcement)) {
        this.#acknowledge(uid, entry.seq, sink, null);
        continue;
      }
      const delivery = await this.#send(notifier, announcement, this.#handle(uid, telling.state, sink));
      const isOver =
        delivery.kind === 'failed' &&
        (delivery.retryAfterMs === null || this.#ports.clock.nowMs() - entry.atMs > GIVE_UP_MS);
      this.#ports.delivered(sink, delivery.kind === 'delivered' ? 'delivered' : isOver ? 'dropped' : 'failed');
      if (delivery.kind === 'delivered' || isOver) {
        failures = 0;
        this.#acknowledge(uid, entry.seq, sink, delivery.kind === 'delivered' ? delivery.handle : null, isOver);
        this.#settle(uid);
        continue;
      }
      failures += 1;
      this.#ports.log.warn('Notification failed; it will be sent again', {
        canary: telling.key,
        sink,
        reason: delivery.detail,
      });
      const backoffMs = Math.min(1_000 * 2 ** Math.min(failures, 10), BACKOFF_MAX_MS);
      await sleep(this.#ports.clock, Math.max(delivery.retryAfterMs ?? 0, backoffMs), this.#stop.signal);
    }
  }

  async #send(notifier: Notifier, announcement: Announcement, handle: string | null): Promise<Delivery> {
    try {
      return await notifier.send(announcement, handle, this.#stop.signal);
    } catch (error) {
      return { kind: 'failed', detail: messageOf(error), retryAfterMs: 1_000 };
    }
  }

  #has(uid: string, entry: OutboxEntry, sink: string): boolean {
    return (
      entry.acks.includes(sink) ||
      entry.acks.includes(ALL) ||
      this.#acks.get(uid)?.sinks.get(entry.seq)?.has(sink) === true
    );
  }

  #handle(uid: string, state: State, sink: string): string | null {
    return this.#acks.get(uid)?.handles[sink] ?? state.handles[sink] ?? null;
  }

  #acknowledge(uid: string, seq: number, sink: string, handle: string | null, isLost = false): void {
    const acks = this.#acks.get(uid) ?? { sinks: new Map<number, Set<string>>(), handles: {}, lost: 0 };
    this.#acks.set(uid, acks);
    const sinks = acks.sinks.get(seq) ?? new Set<string>();
    sinks.add(sink);
    acks.sinks.set(seq, sinks);
    if (handle !== null) acks.handles[sink] = handle;
    if (isLost) acks.lost += 1;
  }

  /** Entries that every sink has are marked so, and what is acknowledged is brought to the record. */
  #settle(uid: string): void {
    const telling = this.#pending.get(uid);
    if (telling === undefined) return;
    const { outbox } = telling.state;
    const done = outbox.filter((entry) => telling.notifiers.every((notifier) => this.#has(uid, entry, notifier.sink)));
    for (const entry of done) this.#acknowledge(uid, entry.seq, ALL, null);
    const isAll = done.length === outbox.length;
    if (isAll) this.#pending.delete(uid);
    if (!isResting(telling.state.phase)) this.#wakeLater(telling, TAKE_OVER_MS / 2);
    else if (isAll) this.#wakeLater(telling, 0);
    // A sink that is away must not keep what others have from being recorded.
    else this.#wakeLater(telling, PARTLY_AFTER_MS);
  }

  /** While a run goes on acknowledgements ride on its next record; when none comes in time, and at rest, a look is asked for. */
  #wakeLater(telling: Telling, afterMs: number): void {
    const { uid, key } = telling;
    if (this.#wakes.has(uid) && afterMs > 0) return;
    this.#wakes.add(uid);
    this.#ports.clock.setTimer(afterMs, () => {
      this.#wakes.delete(uid);
      if (!this.#stop.signal.aborted && this.#acks.has(uid)) this.#ports.wake(key);
    });
  }

  /** True when this process holds acknowledgements that are not recorded. */
  holdsAcks(uid: string): boolean {
    return this.#acks.has(uid);
  }

  /** Waits until everything taken up is sent, at most `limitMs`; used at shutdown and by tests. */
  async close(limitMs: number): Promise<void> {
    const untilMs = this.#ports.clock.monotonicMs() + limitMs;
    while (this.#busy.size > 0 && this.#ports.clock.monotonicMs() < untilMs) await sleep(this.#ports.clock, 20);
    this.#stop.abort();
  }
}

/** Acknowledged by all sinks. */
const ALL = '*';
