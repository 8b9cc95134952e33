// From samples to a verdict: finite numbers within inclusive bounds pass, everything else is never a pass.
import type { Check } from '../policy.ts';

/** One answer of a metric source. A value is a finite number by type and by `verdictOf`, which trusts nobody. */
export type Sample =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'empty'; readonly detail: string }
  | { readonly kind: 'error'; readonly detail: string };

/** Only Fail spends the failure budget. Insufficient: no data, too little traffic. Error: the source failed. */
export type Verdict = 'Pass' | 'Fail' | 'Insufficient' | 'Error';

/** One check as judged at one tick. */
export interface Judged {
  readonly name: string;
  readonly verdict: Verdict;
  /** The value judged; null when there was none. */
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Why there is no value; empty for a value. */
  readonly detail: string;
}

/** Judges one sample. Written as "pass only if", so that NaN and infinities fail to pass by construction. */
export function judge(check: Pick<Check, 'name' | 'min' | 'max'>, sample: Sample): Judged {
  const base = { name: check.name, min: check.min, max: check.max };
  if (sample.kind === 'error') return { ...base, verdict: 'Error', value: null, detail: sample.detail };
  if (sample.kind === 'empty') return { ...base, verdict: 'Insufficient', value: null, detail: sample.detail };
  if (!Number.isFinite(sample.value)) {
    return {
      ...base,
      verdict: 'Insufficient',
      value: null,
      detail: `the answer ${sample.value} is not a finite number`,
    };
  }
  const isWithin =
    (check.min === null || sample.value >= check.min) && (check.max === null || sample.value <= check.max);
  return { ...base, verdict: isWithin ? 'Pass' : 'Fail', value: sample.value, detail: '' };
}

/** Worst first: a failure is never hidden by a source that is down. */
const ORDER: readonly Verdict[] = ['Fail', 'Error', 'Insufficient', 'Pass'];

/** The verdict of a tick: the worst of its parts; no parts pass. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return ORDER.find((verdict) => verdicts.includes(verdict)) ?? 'Pass';
}
