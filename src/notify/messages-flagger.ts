// Flagger's sentences, word for word, because dashboards and scripts match on them.
import type { HookType } from '../core/policy.ts';
import type { FLAGGER_TYPES, MessageFacts, MessageSubject, RenderedMessage, Sentence } from './message-types.ts';
import { canaryOf, detailOf, targetOf, tell, withAlert } from './message-types.ts';
import { formatDuration, formatFixed, formatNumber } from './text.ts';

const HOOK_NAMES: Readonly<Record<HookType, string>> = {
  'confirm-rollout': 'Confirm-rollout check',
  'pre-rollout': 'Pre-rollout check',
  rollout: 'External check',
  'confirm-traffic-increase': 'Confirm-traffic-increase check',
  'confirm-promotion': 'Confirm-promotion check',
  'post-rollout': 'Post-rollout check',
  rollback: 'Rollback check',
  event: 'Event hook',
};

function tellHookPassed(_: MessageSubject, facts: MessageFacts): RenderedMessage {
  const name = HOOK_NAMES[facts.hookType ?? 'rollout'];
  const eventType = facts.hookType === 'rollback' ? 'Warning' : 'Normal';
  return tell(`${name} ${facts.hook ?? '?'} passed`, eventType, facts.hookType === 'post-rollout' ? 'other' : 'step');
}

function tellHookFailed(subject: MessageSubject, facts: MessageFacts): RenderedMessage {
  const failed = `${facts.hook ?? '?'} failed ${detailOf(facts)}`;
  if (facts.hookType === 'post-rollout') return tell(`Post-rollout hook ${failed}`, 'Warning', 'other');
  const check = facts.hookType === 'pre-rollout' ? 'pre-rollout check' : 'external check';
  return tell(`Halt ${canaryOf(subject)} advancement ${check} ${failed}`, 'Warning');
}

function tellGateWaiting(subject: MessageSubject, facts: MessageFacts): RenderedMessage {
  const [what, alert] =
    facts.hookType === 'confirm-promotion'
      ? ['promotion approval', 'Canary promotion is waiting for approval.']
      : facts.hookType === 'confirm-traffic-increase'
        ? ['traffic increase approval', 'Canary traffic increase is waiting for approval.']
        : ['approval', 'Canary is waiting for approval.'];
  const told = tell(`Halt ${canaryOf(subject)} advancement waiting for ${what} ${facts.hook ?? '?'}`, 'Warning');
  return facts.isMuted === true ? told : withAlert(told, 'warn', alert);
}

function tellMetricFailed(subject: MessageSubject, facts: MessageFacts): RenderedMessage {
  const sign = facts.side === 'max' ? '>' : '<';
  const halt = `Halt ${canaryOf(subject)} advancement`;
  const isBuiltin = facts.checkKind === 'builtin';
  if (isBuiltin && facts.check === 'request-success-rate') {
    return tell(`${halt} success rate ${formatFixed(facts.value)}% ${sign} ${formatNumber(facts.bound)}%`, 'Warning');
  }
  if (isBuiltin && facts.check === 'request-duration') {
    return tell(
      `${halt} request duration ${formatDuration(facts.value)} ${sign} ${formatDuration(facts.bound)}`,
      'Warning',
    );
  }
  return tell(
    `${halt} ${facts.check ?? '?'} ${formatFixed(facts.value)} ${sign} ${formatNumber(facts.bound)}`,
    'Warning',
  );
}

function tellNoData(subject: MessageSubject, facts: MessageFacts): RenderedMessage {
  const check = facts.check ?? '?';
  const detail = detailOf(facts);
  const halt = 'Halt advancement no values found for';
  if (facts.checkKind === 'query') return tell(`${halt} metric: ${check}`, 'Warning');
  if (facts.checkKind === 'template') {
    return tell(`${halt} custom metric: ${check}: ${detail === '' ? 'no values found' : detail}`, 'Warning');
  }
  const where = `${subject.provider || '?'} metric ${check} probably ${targetOf(subject)} is not receiving traffic`;
  return tell(`${halt} ${where}${detail === '' ? '' : `: ${detail}`}`, 'Warning');
}

function tellMetricSourceError(_: MessageSubject, facts: MessageFacts): RenderedMessage {
  const detail = detailOf(facts);
  if (facts.checkKind === 'template')
    return tell(`Metric query failed for ${facts.check ?? '?'}: ${detail}`, 'Warning');
  if (facts.checkKind === 'query') {
    return tell(`Prometheus query failed for ${facts.check ?? '?'}: ${detail}`, 'Warning');
  }
  return tell(`Prometheus query failed: ${detail}`, 'Warning');
}

function tellRollingBack(subject: MessageSubject, facts: MessageFacts): RenderedMessage {
  const begin = `Rolling back ${canaryOf(subject)}`;
  const detail = detailOf(facts);
  if (facts.reason === 'RollbackHook') {
    return withAlert(tell(`${begin} manual webhook invoked`, 'Warning'), 'warn', 'Rolling back manual webhook invoked');
  }
  if (facts.reason === 'FailedChecks') {
    const reached = `threshold reached ${formatNumber(facts.failedChecks)}`;
    return withAlert(tell(`${begin} failed checks ${reached}`, 'Warning'), 'error', `Failed checks ${reached}`);
  }
  if (facts.reason === 'ProgressDeadlineExceeded' || facts.reason === 'NotReady') {
    const told = tell(`${begin} progress deadline exceeded ${detail}`.trim(), 'Warning');
    return withAlert(told, 'error', `Progress deadline exceeded ${detail}`.trim());
  }
  // Flagger has no alert here because it has no such rollback; a rollback nobody hears of is worse than a new text.
  const what = OWN_REASONS[facts.reason ?? ''] ?? facts.reason ?? 'for an unknown reason';
  // That it was aborted, and by whom, is the detail itself.
  const why = detail === '' ? ` ${what}` : `${facts.reason === 'Aborted' ? '' : ` ${what}`}: ${detail}`;
  return withAlert(tell(`${begin}${why}`, 'Warning'), 'error', `Rolling back${why}`);
}

const OWN_REASONS: Readonly<Record<string, string>> = {
  NoData: 'no data for too long',
  MetricSourceError: 'metric source failed for too long',
  CanaryCrashed: 'canary cannot become ready',
  Aborted: 'aborted',
  InvalidSpec: 'spec became invalid',
  TargetMissing: 'target is gone',
};

/** Flagger's sentences by type; events and alerts are those of its tables. */
export const FLAGGER_SENTENCES: Readonly<Record<(typeof FLAGGER_TYPES)[number], Sentence>> = {
  Suspended: () => tell('skipping canary run as object is suspended', 'Normal', 'other'),
  Initialized: (subject) =>
    withAlert(
      tell(`Initialization done! ${canaryOf(subject)}`, 'Normal', 'other'),
      'info',
      `New ${subject.targetKind} detected, initialization completed.`,
      true,
    ),
  RevisionDetected: (subject) =>
    withAlert(
      tell(`New revision detected! Scaling up ${targetOf(subject)}`, 'Normal', 'begin'),
      'info',
      'New revision detected, progressing canary analysis.',
      true,
    ),
  AnalysisRestarted: (subject) =>
    tell(`New revision detected! Restarting analysis for ${targetOf(subject)}`, 'Normal', 'begin'),
  AnalysisStarted: (subject) => tell(`Starting canary analysis for ${targetOf(subject)}`),
  HookPassed: tellHookPassed,
  HookFailed: tellHookFailed,
  GateWaiting: tellGateWaiting,
  GatePassed: tellHookPassed,
  WeightAdvanced: (subject, facts) =>
    tell(`Advance ${canaryOf(subject)} canary weight ${formatNumber(facts.weightPercent)}`),
  PrimaryWeightAdvanced: (subject, facts) =>
    tell(`Advance ${canaryOf(subject)} primary weight ${formatNumber(facts.weightPercent)}`),
  IterationAdvanced: (subject, facts) =>
    tell(
      `Advance ${canaryOf(subject)} canary iteration ${formatNumber(facts.iteration)}/${formatNumber(facts.iterations)}`,
    ),
  RoutingToPrimary: () => tell('Routing all traffic to primary'),
  Promoting: (subject) =>
    tell(`Copying ${targetOf(subject)} template spec to ${subject.targetName}-primary.${subject.namespace}`),
  Promoted: (subject) =>
    withAlert(
      tell(`Promotion completed! Scaling down ${targetOf(subject)}`, 'Normal', 'end'),
      'info',
      'Canary analysis completed successfully, promotion finished.',
    ),
  PromotedSkipped: (subject) =>
    withAlert(
      tell(`Promotion completed! Canary analysis was skipped for ${targetOf(subject)}`, 'Normal', 'end'),
      'info',
      'Canary analysis was skipped, promotion finished.',
    ),
  PromotionFailed: (subject, facts) =>
    withAlert(
      tell(`Promotion of ${targetOf(subject)} failed`, 'Warning', 'end'),
      'error',
      `Promotion failed, primary not ready: ${detailOf(facts)}`,
    ),
  MetricFailed: tellMetricFailed,
  NoData: tellNoData,
  MetricSourceError: tellMetricSourceError,
  RollingBack: tellRollingBack,
  // Flagger names the Canary here, not the target.
  RolledBack: (subject) => tell(`Canary failed! Scaling down ${canaryOf(subject)}`, 'Warning', 'end'),
  MatchUnsupported: () => tell('A/B testing is not supported when using the kubernetes provider', 'Warning', 'other'),
  WeightsUnsupported: () =>
    tell('Progressive traffic is not supported when using the kubernetes provider', 'Warning', 'other'),
  IterationsDefaulted: () => tell('Setting canaryAnalysis.iterations: 10', 'Warning', 'other'),
  Terminating: (subject) => tell(`Terminating canary ${canaryOf(subject)}`, 'Normal', 'other'),
  Terminated: (subject) => tell(`Terminated canary ${canaryOf(subject)}`, 'Normal', 'other'),
};
