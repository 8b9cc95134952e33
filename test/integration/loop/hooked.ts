// A shop whose Canary has webhooks, with a script of what each type answers and a list of the calls.
import { initializedShop, type Furnished } from '../../support/loop-fixtures.ts';
import type { Reply } from '../../support/loop-http.ts';

export const TYPES = [
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
];
export const hook = (type: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: `my-${type}`,
  type,
  url: `http://hook.sim/${type}`,
  ...more,
});

/** One call, and where the run stood. */
export interface Called {
  readonly type: string;
  readonly phase: string;
  readonly weight: number | null;
}

/** A world whose Canary has these hooks; `answers` says what each type answers, 200 by default and 403 for rollback. */
export async function hooked(
  hooks: readonly Record<string, unknown>[],
  answers: Record<string, (call: number) => Reply> = {},
  options: Furnished = {},
) {
  const called: Called[] = [];
  const counts = new Map<string, number>();
  const world = await initializedShop({
    ...options,
    canary: {
      ...options.canary,
      analysis: { stepWeight: 50, maxWeight: 100, webhooks: hooks, ...options.canary?.analysis },
    },
  });
  world.http.on('hook.sim', (_, url) => {
    const type = url.pathname.slice(1);
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    called.push({ type, phase: world.inner('shop', options.canary?.group), weight: world.weight() });
    return answers[type]?.(count) ?? { status: type === 'rollback' ? 403 : 200 };
  });
  return { world, called };
}
