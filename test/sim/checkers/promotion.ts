// Invariants of promotion (S8 to S10): only the pinned revision that passed is ever promoted, and nothing of it is lost.
import type { Commit } from '../../../src/embedded/apiserver/types.ts';
import { isBad } from '../scenarios.ts';
import { templateOf, type View } from './view.ts';
import type { Violate } from './traffic.ts';

/** Judges one commit of the primary's template. `passes` counts good answers while this image was the target's. */
export function checkPrimary(
  commit: Commit,
  view: View,
  passes: ReadonlyMap<string, number>,
  needed: number,
  violate: Violate,
): void {
  if (commit.after === null || !commit.user.startsWith('serin')) return;
  if (commit.before !== null && templateOf(commit.before) === templateOf(commit.after)) return;
  const state = view.state();
  const image = imageIn(commit.after);
  if (commit.before === null && state.phase === 'Initializing') return;
  const revision = commit.after.metadata.annotations?.['serin.dev/revision'] ?? '';
  const isPromotion = revision === state.run?.revision;
  const isRestoration = revision === state.promotedRevision || revision === state.run?.base;
  if (!isPromotion && !isRestoration)
    violate('S8', `the primary was given revision ${revision}, which is neither under way nor its own`);
  if (isPromotion && !['Promoting', 'Finalising', 'Succeeded'].includes(state.phase ?? '') && !isRestoration) {
    violate('S8', `the primary's template changed in phase ${state.phase ?? 'none'}`);
  }
  if (isBad(image)) violate('S9', `image ${image}, which answers with errors, was promoted`);
  if (isPromotion && (passes.get(image) ?? 0) < needed) {
    violate('S9', `image ${image} was promoted after ${passes.get(image) ?? 0} successful checks of ${needed}`);
  }
  const pin = view
    .pins()
    .find((object) => (object.metadata.annotations?.['serin.dev/revision'] ?? revisionIn(object)) === revision);
  if (pin !== undefined && stripped(commit.after) !== strippedPin(pin))
    violate('S10', `the primary differs from the pinned revision ${revision}`);
}

function imageIn(object: { [member: string]: unknown }): string {
  const spec = object['spec'] as { template?: { spec?: { containers?: { image?: string }[] } } } | undefined;
  return spec?.template?.spec?.containers?.[0]?.image ?? '';
}

function revisionIn(object: { [member: string]: unknown }): string {
  return (object['data'] as { revision?: string } | undefined)?.revision ?? '';
}

function stripped(object: { [member: string]: unknown }): string {
  const spec = object['spec'] as { template?: { spec?: { containers?: unknown } } } | undefined;
  return JSON.stringify(spec?.template?.spec?.containers ?? null);
}

function strippedPin(object: { [member: string]: unknown }): string {
  const data = object['data'] as { template?: { spec?: { containers?: unknown } } } | undefined;
  return JSON.stringify(data?.template?.spec?.containers ?? null);
}
