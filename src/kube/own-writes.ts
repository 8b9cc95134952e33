// What we were answered to our own writes, until the watch has shown it too; bounded.
import type { KubeObject } from './contract.ts';
import { isNewer, newerOf } from './versions.ts';

/** A removal that we were answered for. */
export interface Removal {
  readonly uid: string;
  readonly version: string;
}

const ANSWERS_MAX = 4_096;
const ECHOES_MAX = 16_384;

/** Answers by object, for reading one's own writes, and the versions of writes, for knowing their echoes. */
export class OwnWrites {
  readonly #answers = new Map<string, KubeObject>();
  readonly #removals = new Map<string, Removal>();
  readonly #echoes = new Set<string>();
  #forgotten = '';

  /** Keeps a newer state of an object, from an answer to a write or a live read. */
  keep(key: string, object: KubeObject): void {
    const held = this.#answers.get(key);
    const version = object.metadata.resourceVersion ?? '';
    if (held !== undefined && !isNewer(version, held.metadata.resourceVersion ?? '')) return;
    this.#answers.delete(key);
    this.#answers.set(key, object);
    if (this.#answers.size <= ANSWERS_MAX) return;
    const [oldest, lost] = this.#answers.entries().next().value!;
    this.#answers.delete(oldest);
    this.#forget(lost.metadata.resourceVersion ?? '');
  }

  /** The state kept for an object that the watch, at `watchedVersion`, has not shown yet. */
  newer(key: string, watchedVersion: string): KubeObject | undefined {
    const held = this.#answers.get(key);
    if (held === undefined) return undefined;
    if (isNewer(held.metadata.resourceVersion ?? '', watchedVersion)) return held;
    this.#answers.delete(key);
    return undefined;
  }

  /** All states kept, some of which the watch may have shown since. */
  answers(): KubeObject[] {
    return [...this.#answers.values()];
  }

  /** Keeps that we deleted an object when it was at this version. */
  keepRemoval(key: string, removal: Removal): void {
    this.#removals.delete(key);
    this.#removals.set(key, removal);
    if (this.#removals.size <= ANSWERS_MAX) return;
    const [oldest, lost] = this.#removals.entries().next().value!;
    this.#removals.delete(oldest);
    this.#forget(lost.version);
  }

  /** True when `held`, the state that the watch shows, is one that we deleted. */
  isRemoved(key: string, held: KubeObject | undefined): boolean {
    const removal = this.#removals.get(key);
    if (removal === undefined) return false;
    const { uid, resourceVersion = '' } = held?.metadata ?? {};
    if (uid === removal.uid && !isNewer(resourceVersion, removal.version)) return true;
    this.#removals.delete(key);
    return false;
  }

  /** Remembers the version of a write of ours. */
  expectEcho(key: string, version: string): void {
    this.#echoes.add(`${key} ${version}`);
    if (this.#echoes.size > ECHOES_MAX) this.#echoes.delete(this.#echoes.values().next().value!);
  }

  /** True when this version of the object is a write of ours. */
  isEcho(key: string, version: string): boolean {
    return this.#echoes.has(`${key} ${version}`);
  }

  /** The newest version of what had to be forgotten; empty when nothing had to be. A watch that is behind it cannot vouch for our writes. */
  get forgottenVersion(): string {
    return this.#forgotten;
  }

  /** Forgets all, for a server that has itself gone back in time. */
  clear(): void {
    this.#answers.clear();
    this.#removals.clear();
    this.#echoes.clear();
    this.#forgotten = '';
  }

  #forget(version: string): void {
    this.#forgotten = newerOf(version, this.#forgotten);
  }
}
