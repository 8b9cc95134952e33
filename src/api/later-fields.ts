// Fields that are accepted but whose behaviour comes in a later release: refused by name, never silently ignored.
import type { CanarySpecInput } from './canary-schema.ts';
import type { Note, ProblemCode, Report } from './problems.ts';

/** What a Canary's group and provider say about how strictly it is read. */
export interface ReadingContext {
  readonly group: 'serin.dev' | 'flagger.app';
  readonly namespace: string;
  /** Our name of the provider that counts; null when it could not be resolved (which is a problem of its own). */
  readonly provider: string | null;
  /** What was changed or dropped to follow Flagger; for an Event, never a reason to stop. */
  readonly notes: Note[];
}

interface LaterField {
  readonly path: string;
  readonly isSet: (spec: CanarySpecInput) => boolean;
  readonly code: ProblemCode;
  readonly what: string;
}

const LATER = 'comes in a later release, must be left out';

const field = (
  path: string,
  isSet: LaterField['isSet'],
  what = LATER,
  code: ProblemCode = 'SPEC_UNSUPPORTED_FIELD',
): LaterField => ({ path, isSet, code, what });

const LATER_FIELDS: readonly LaterField[] = [
  field('spec.analysis.mirror', (spec) => spec.analysis.mirror === true),
  field('spec.analysis.mirrorWeight', (spec) => (spec.analysis.mirrorWeight ?? 0) !== 0),
  field('spec.analysis.sessionAffinity', (spec) => spec.analysis.sessionAffinity !== undefined),
  field('spec.service.mirror', (spec) => (spec.service?.mirror ?? []).length > 0),
  field('spec.ingressRef', (spec) => spec.ingressRef !== undefined),
  field('spec.routeRef', (spec) => spec.routeRef !== undefined),
  field('spec.upstreamRef', (spec) => spec.upstreamRef !== undefined),
  field(
    'spec.autoscalerRef',
    (spec) => spec.autoscalerRef?.kind === 'ScaledObject',
    'ScaledObject comes in a later release, must be a HorizontalPodAutoscaler of autoscaling/v2',
    'CAPABILITY_AUTOSCALER',
  ),
];

/** Target kinds that Flagger or others have and serin not yet. */
const LATER_TARGETS = ['DaemonSet', 'Service', 'StatefulSet'];

/** Adds a problem for each field that is set and comes later. */
export function refuseLaterFields(spec: CanarySpecInput, context: ReadingContext, report: Report): void {
  for (const { path, isSet, code, what } of LATER_FIELDS) if (isSet(spec)) report.add(path, code, what);
  refuseMatch(spec, context, report);
  refuseTarget(spec, report);
  refuseAutoscaler(spec, report);
  refuseUnread(spec, context, report);
}

function refuseMatch(spec: CanarySpecInput, context: ReadingContext, report: Report): void {
  if ((spec.analysis.match ?? []).length === 0) return;
  const path = 'spec.analysis.match';
  // Flagger drops it for this provider with a warning, and its users' manifests count on that.
  if (context.provider === 'kubernetes' && context.group === 'flagger.app') {
    context.notes.push({
      path,
      code: 'CAPABILITY_STRATEGY',
      message: `Ignored ${path}: provider kubernetes cannot split traffic by header`,
      toldAs: ['MatchUnsupported'],
    });
    return;
  }
  report.add(path, 'SPEC_UNSUPPORTED_FIELD', LATER);
}

function refuseTarget(spec: CanarySpecInput, report: Report): void {
  const { kind, apiVersion } = spec.targetRef;
  if (kind === 'Deployment') return;
  const name = kind === 'Service' && apiVersion.startsWith('serving.knative.dev/') ? 'Knative Service' : kind;
  if (LATER_TARGETS.includes(kind))
    report.add('spec.targetRef.kind', 'CAPABILITY_TARGET', `${name} comes in a later release, must be Deployment`);
  else report.add('spec.targetRef.kind', 'SPEC_VALUE', `"${kind}" is unknown, must be Deployment`);
}

function refuseAutoscaler(spec: CanarySpecInput, report: Report): void {
  const kind = spec.autoscalerRef?.kind;
  if (kind === undefined || kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject') return;
  report.add('spec.autoscalerRef.kind', 'SPEC_VALUE', `"${kind}" is unknown, must be HorizontalPodAutoscaler`);
}

/** What is read only together with something else that is not there: dropped in flagger.app with a word, as Flagger drops it without one. */
function refuseUnread(spec: CanarySpecInput, context: ReadingContext, report: Report): void {
  const unread = (path: string, why: string): void => {
    if (context.group === 'serin.dev') return report.add(path, 'SPEC_VALUE', `${why}, must be left out`);
    context.notes.push({ path, code: 'SPEC_VALUE', message: `Ignored ${path}: ${why}` });
  };
  const queries = Object.keys(spec.autoscalerRef?.primaryScalerQueries ?? {});
  if (queries.length > 0 && spec.autoscalerRef?.kind === 'HorizontalPodAutoscaler')
    unread('spec.autoscalerRef.primaryScalerQueries', 'a HorizontalPodAutoscaler has no queries');
  for (const [index, { templateRef, templateVariables }] of (spec.analysis.metrics ?? []).entries())
    if (templateRef === undefined && Object.keys(templateVariables ?? {}).length > 0)
      unread(`spec.analysis.metrics[${index}].templateVariables`, 'the metric has no templateRef to use them');
}
