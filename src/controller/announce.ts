// The station that tells: sends what the outbox holds, in order, in the background; a slow sink never slows a rollout.
import type { OutboxEntry } from '../core/announcements.ts';
import { isResting } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../errors.ts';
import type { Announcement, Delivery, Notifier } from '../notify/contract.ts';
import type { Log } from '../telemetry/contract.ts';
import { sleep, type Clock } from '../util/clock.ts';
import { Acks, ALL } from './acks.ts';

/** How the announcer reaches the rest of the process. */
export interface AnnouncerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly replica: string;
  /** Other replicas may tell what this one does not record in time. */
  readonly hasPeers: boolean;
  /** Looks at a Canary in this process, whose acknowledgements want to be recorded: another replica does not have them. */
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

/** Another replica's entry is taken over only when it is this late. */
const TAKE_OVER_MS = 120_000;
/** A sink that fails for longer is given up, and the entry counts as lost. */
const GIVE_UP_MS = 86_400_000;
const BACKOFF_MAX_MS = 60_000;
/** Acknowledgements are recorded so long after the first at the latest, where others wait for them. */
const PARTLY_AFTER_MS = 5_000;
/** After so many failures in a row the sink is looked up again: its address or its Secret may have been mended. */
const FAILURES_PER_LOOK = 5;

/** One chain of deliveries for each Canary and sink: ordered, at least once, under stable keys. */
export class Announcer {
  readonly #ports: AnnouncerPorts;
  readonly #acks = new Acks();
  /** Deliveries under way, as `uid sink`. */
  readonly #busy = new Set<string>();
  readonly #pending = new Map<string, Telling>();
  /** Tellings that are being prepared: how many, and which is the newest. */
  readonly #prepared = new Map<string, { newest: number; open: number }>();
  /** Looks that are asked for already. */
  readonly #wakes = new Set<string>();
  readonly #stop = new AbortController();

  constructor(ports: AnnouncerPorts) {
    this.#ports = ports;
  }

  /** The state with the acknowledgements that this process holds: entries that every sink has are gone. */
  withAcks(uid: string, state: State): State {
    return this.#acks.merged(uid, state);
  }

  /** A record is committed: what it carried need not be remembered any more. */
  committed(uid: string, state: State): void {
    // Whoever is sending goes on with what is open now, or would find entries open again whose acknowledgements were just recorded.
    const telling = this.#pending.get(uid);
    if (telling !== undefined) {
      if (telling.state.run?.id !== state.run?.id) this.#acks.keepHandles(uid, telling.state);
      this.#pending.set(uid, { ...telling, state });
    }
    this.#acks.recorded(uid, state, this.#ports.clock.nowMs());
  }

  /** True when this process holds acknowledgements that are worth a record of their own: at rest, or when they wait for too long. */
  isRecordDue(uid: string, state: State): boolean {
    const sinceMs = this.#acks.sinceMs(uid);
    if (sinceMs === null) return false;
    return isResting(state.phase) || this.#ports.clock.nowMs() - sinceMs >= this.#flushMs();
  }

  /** Announcements that some sink does not have yet, of all Canaries that this process tells of. */
  pending(): number {
    const isOpen = ({ uid, notifiers }: Telling, entry: OutboxEntry): boolean =>
      notifiers.some(({ sink }) => !this.#acks.has(uid, entry, sink));
    const open = [...this.#pending.values()].map(
      (telling) => telling.state.outbox.filter((entry) => isOpen(telling, entry)).length,
    );
    return open.reduce((sum, count) => sum + count, 0);
  }

  /** How long acknowledgements may ride without a record while a run is under way. */
  #flushMs(): number {
    return this.#ports.hasPeers ? PARTLY_AFTER_MS : TAKE_OVER_MS / 2;
  }

  /**
   * When an entry of another replica is late enough to be taken over, in milliseconds since the epoch; null when there is
   * none. One that is late already and still there is looked at again, because whoever took it over may be gone too.
   */
  takeOverAtMs(state: State): number | null {
    const nowMs = this.#ports.clock.nowMs();
    const others = state.outbox.filter((entry) => entry.owner !== this.#ports.replica);
    if (others.length === 0) return null;
    const ahead = others.map((entry) => entry.atMs + TAKE_OVER_MS + 1).filter((atMs) => atMs > nowMs);
    return Math.min(...ahead, nowMs + TAKE_OVER_MS);
  }

  /** Announces that a telling is being prepared. Of several, only the newest is told: an older one would repeat what was recorded since. */
  prepare(uid: string): (telling: Telling | null) => void {
    const prepared = this.#prepared.get(uid) ?? { newest: 0, open: 0 };
    this.#prepared.set(uid, prepared);
    prepared.newest += 1;
    prepared.open += 1;
    const mine = prepared.newest;
    return (telling) => {
      prepared.open -= 1;
      if (prepared.open === 0) this.#prepared.delete(uid);
      if (telling !== null && mine === prepared.newest) this.#tell(telling);
    };
  }

  /** Sends what is open. Returns at once; while a sink is busy it only sees what came since. */
  #tell(telling: Telling): void {
    const { uid, state } = telling;
    if (state.outbox.length === 0) return;
    this.#pending.set(uid, telling);
    for (const notifier of telling.notifiers) this.#start(uid, notifier.sink);
    this.#settle(uid);
  }

  #start(uid: string, sink: string): void {
    const name = `${uid} ${sink}`;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    void this.#drain(uid, sink).finally(() => this.#busy.delete(name));
  }

  /** An entry that another replica has in hand is left to it, and those behind it wait, until it is late. */
  #isOurs(entry: OutboxEntry): boolean {
    return entry.owner === this.#ports.replica || this.#ports.clock.nowMs() - entry.atMs > TAKE_OVER_MS;
  }

  /** Works one sink until nothing is open for it. */
  async #drain(uid: string, sink: string): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted;) {
      const telling = this.#pending.get(uid);
      const notifier = telling?.notifiers.find((candidate) => candidate.sink === sink);
      const entry = telling?.state.outbox.find((candidate) => !this.#acks.has(uid, candidate, sink));
      if (telling === undefined || notifier === undefined || entry === undefined || !this.#isOurs(entry)) return;
      const announcement = telling.render(entry);
      if (!notifier.wants(announcement)) {
        this.#acknowledge(uid, entry, sink, null);
        continue;
      }
      const delivery = await this.#send(notifier, announcement, this.#acks.handleFor(uid, entry, telling.state, sink));
      if (this.#isOver(uid, entry, sink, delivery)) {
        failures = 0;
        continue;
      }
      failures += 1;
      this.#ports.log.warn('Notification failed; it will be sent again', {
        canary: telling.key,
        sink,
        reason: delivery.kind === 'failed' ? delivery.detail : '',
      });
      if (failures % FAILURES_PER_LOOK === 0) this.#ports.wake(telling.key);
      const backoffMs = Math.min(1_000 * 2 ** Math.min(failures, 10), BACKOFF_MAX_MS);
      const askedMs = delivery.kind === 'failed' ? (delivery.retryAfterMs ?? 0) : 0;
      await sleep(this.#ports.clock, Math.max(askedMs, backoffMs), this.#stop.signal);
    }
  }

  /** Takes a delivery into account. False when it must be tried again. */
  #isOver(uid: string, entry: OutboxEntry, sink: string, delivery: Delivery): boolean {
    const nowMs = this.#ports.clock.nowMs();
    const isLost = delivery.kind === 'failed' && (delivery.retryAfterMs === null || nowMs - entry.atMs > GIVE_UP_MS);
    this.#ports.delivered(sink, delivery.kind === 'delivered' ? 'delivered' : isLost ? 'dropped' : 'failed');
    if (delivery.kind === 'failed' && !isLost) return false;
    if (isLost) this.#acks.addLost(uid, nowMs);
    this.#acknowledge(uid, entry, sink, delivery.kind === 'delivered' ? delivery.handle : null);
    return true;
  }

  async #send(notifier: Notifier, announcement: Announcement, handle: string | null): Promise<Delivery> {
    try {
      return await notifier.send(announcement, handle, this.#stop.signal);
    } catch (error) {
      return { kind: 'failed', detail: messageOf(error), retryAfterMs: 1_000 };
    }
  }

  #acknowledge(uid: string, entry: OutboxEntry, sink: string, handle: string | null): void {
    const nowMs = this.#ports.clock.nowMs();
    this.#acks.add(uid, entry, sink, nowMs);
    if (handle !== null) this.#acks.addHandle(uid, entry, sink, handle, nowMs);
    this.#settle(uid);
  }

  /** Entries that every sink has are marked so, and what is acknowledged is brought to the record. */
  #settle(uid: string): void {
    const telling = this.#pending.get(uid);
    if (telling === undefined) return;
    const { outbox, phase } = telling.state;
    const hasAll = (entry: OutboxEntry): boolean =>
      telling.notifiers.every((notifier) => this.#acks.has(uid, entry, notifier.sink));
    const done = outbox.filter(hasAll);
    for (const entry of done) this.#acks.add(uid, entry, ALL, this.#ports.clock.nowMs());
    const isAll = done.length === outbox.length;
    if (isAll) this.#pending.delete(uid);
    if (this.#acks.sinceMs(uid) === null) return;
    if (!isResting(phase)) this.#wakeLater(telling, this.#flushMs());
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
      if (!this.#stop.signal.aborted && this.#acks.sinceMs(uid) !== null) this.#ports.wake(key);
    });
  }

  /** Waits until everything taken up is sent, at most `limitMs`; used at shutdown and by tests. */
  async close(limitMs: number): Promise<void> {
    const untilMs = this.#ports.clock.monotonicMs() + limitMs;
    while (this.#busy.size > 0 && this.#ports.clock.monotonicMs() < untilMs) await sleep(this.#ports.clock, 20);
    this.#stop.abort();
  }
}
