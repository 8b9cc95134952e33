// What metrics tell of each Canary, in Flagger's names and in ours; when a Canary goes, all its series go with it.
import { createFlaggerMeters } from './flagger-metrics.ts';
import type { CanaryNames, CanaryView, FlaggerMeters, RunEnd } from './flagger-metrics.ts';
import type { Maker } from './meter.ts';

/** A Canary as metrics show it. */
export interface ShownCanary extends CanaryView {
  /** Kind of the target. */
  readonly kind: string;
  readonly provider: string;
}

export interface CanaryMeters {
  /** A Canary as it is now. */
  showCanary(canary: ShownCanary): void;
  /** A Canary that is shown is in this phase now, with this weight in percent; one that is not shown stays so. */
  followCanary(
    canary: { readonly namespace: string; readonly name: string },
    phase: string,
    canaryWeight: number,
  ): void;
  /** A Canary is gone: all its series go. */
  forgetCanary(canary: { readonly namespace: string; readonly name: string }): void;
  /** A run has ended. What ends after its Canary is gone is not counted, or its series would stay for ever. */
  countRunEnd(end: RunEnd): void;
  /** A due check was judged; `value` is null when there was none. Counted for shown Canaries only. */
  countCheck(canary: CanaryNames, check: string, verdict: string, value: number | null): void;
}

/** The series that a Canary has, so that all of them can go with it. */
interface Shown {
  readonly names: CanaryNames;
  readonly phases: Set<string>;
  readonly verdicts: Map<string, Set<string>>;
  info: { namespace: string; name: string; target: string; kind: string; provider: string };
}

type Ids = { readonly namespace: string; readonly name: string };

/** `shards` share the histograms that have a series a Canary. */
export function createCanaryMeters(
  make: Maker,
  shards: readonly Maker[],
  process: { readonly version: string; readonly meshProvider: string },
): CanaryMeters {
  const flagger = createFlaggerMeters(make, shards, process);
  const own = createOwnMeters(make);
  const shown = new Map<string, Shown>();
  const count = countNamespaces(flagger);
  const idOf = ({ namespace, name }: Ids): string => `${namespace}/${name}`;
  const knownOf = (names: CanaryNames): Shown | undefined => {
    const known = shown.get(idOf(names));
    return known?.names.target === names.target ? known : undefined;
  };
  const forgetCanary = (ids: Ids): void => {
    const known = shown.get(idOf(ids));
    if (known === undefined) return;
    shown.delete(idOf(ids));
    own.forget(known);
    flagger.forget(known.names);
    count(ids.namespace, -1);
  };
  const begin = ({ namespace, name, target, kind, provider }: ShownCanary): Shown => {
    // A Canary of this name with another target may be known: one that was deleted and made again.
    forgetCanary({ namespace, name });
    const info = { namespace, name, target, kind, provider };
    const fresh = {
      names: { namespace, name, target },
      phases: new Set<string>(),
      verdicts: new Map<string, Set<string>>(),
      info,
    };
    shown.set(idOf(fresh.names), fresh);
    count(namespace, 1);
    return fresh;
  };
  const showCanary = (canary: ShownCanary): void => {
    own.show(knownOf(canary) ?? begin(canary), canary);
    flagger.show(canary);
  };
  return {
    forgetCanary,
    showCanary,
    followCanary(ids, phase, canaryWeight) {
      const known = shown.get(idOf(ids));
      if (known !== undefined) showCanary({ ...known.info, phase, canaryWeight });
    },
    countRunEnd(end) {
      if (knownOf(end) !== undefined) flagger.countEnd(end);
    },
    countCheck(canary, check, verdict, value) {
      const known = knownOf(canary);
      if (known === undefined) return;
      own.countCheck(known, check, verdict, value);
      if (value !== null && Number.isFinite(value)) flagger.showCheck(canary, check, value);
    },
  };
}

/** Counts the Canaries of each namespace. */
function countNamespaces(flagger: FlaggerMeters): (namespace: string, change: 1 | -1) => void {
  const counts = new Map<string, number>();
  return (namespace, change) => {
    const next = (counts.get(namespace) ?? 0) + change;
    if (next === 0) counts.delete(namespace);
    else counts.set(namespace, next);
    flagger.setTotal(namespace, next);
  };
}

function createOwnMeters(make: Maker) {
  const ids = ['namespace', 'name'] as const;
  const phases = make.gauge('serin_canary_phase', 'Phase of a Canary: 1 for the one it is in, 0 for those before', [
    ...ids,
    'phase',
  ]);
  const infos = make.gauge('serin_canary_info', 'What a Canary releases and through what', [
    ...ids,
    'target',
    'kind',
    'provider',
  ]);
  const verdicts = make.counter('serin_check_verdict_total', 'Verdicts of due checks', [...ids, 'check', 'verdict']);
  const values = make.gauge('serin_check_value', 'Last value that a check judged', [...ids, 'check']);
  return {
    show(known: Shown, { namespace, name, target, kind, provider, phase }: ShownCanary): void {
      infos.remove(known.info);
      known.info = { namespace, name, target, kind, provider };
      infos.set(known.info, 1);
      known.phases.add(phase);
      for (const seen of known.phases) phases.set({ namespace, name, phase: seen }, seen === phase ? 1 : 0);
    },
    countCheck(
      { names: { namespace, name }, verdicts: seen }: Shown,
      check: string,
      verdict: string,
      value: number | null,
    ): void {
      seen.set(check, (seen.get(check) ?? new Set()).add(verdict));
      verdicts.inc({ namespace, name, check, verdict });
      if (value !== null && Number.isFinite(value)) values.set({ namespace, name, check }, value);
    },
    forget({ names: { namespace, name }, phases: seenPhases, verdicts: seenVerdicts, info }: Shown): void {
      for (const phase of seenPhases) phases.remove({ namespace, name, phase });
      for (const [check, seen] of seenVerdicts) {
        values.remove({ namespace, name, check });
        for (const verdict of seen) verdicts.remove({ namespace, name, check, verdict });
      }
      infos.remove(info);
    },
  };
}
