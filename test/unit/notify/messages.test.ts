// Flagger's sentences, word for word, and that every type has one.
import { describe, expect, it } from 'vitest';
import { FLAGGER_TYPES, OWN_TYPES } from '../../../src/notify/message-types.ts';
import type { AnnouncementType, MessageFacts } from '../../../src/notify/message-types.ts';
import { isAnnouncementType, renderMessage } from '../../../src/notify/messages.ts';
import { renderAnnouncement, trafficRoutingOf } from '../../../src/notify/render.ts';
import { makeAnnouncement } from '../../conformance/notify/support.ts';

const SUBJECT = {
  namespace: 'test',
  name: 'podinfo',
  targetKind: 'Deployment',
  targetName: 'backend',
  provider: 'istio',
};

const SENTENCES: readonly [AnnouncementType, MessageFacts, string, 'Normal' | 'Warning'][] = [
  ['Suspended', {}, 'skipping canary run as object is suspended', 'Normal'],
  ['Initialized', {}, 'Initialization done! podinfo.test', 'Normal'],
  ['RevisionDetected', {}, 'New revision detected! Scaling up backend.test', 'Normal'],
  ['AnalysisRestarted', {}, 'New revision detected! Restarting analysis for backend.test', 'Normal'],
  ['AnalysisStarted', {}, 'Starting canary analysis for backend.test', 'Normal'],
  ['HookPassed', { hook: 'smoke', hookType: 'pre-rollout' }, 'Pre-rollout check smoke passed', 'Normal'],
  ['HookPassed', { hook: 'bye', hookType: 'post-rollout' }, 'Post-rollout check bye passed', 'Normal'],
  ['HookPassed', { hook: 'undo', hookType: 'rollback' }, 'Rollback check undo passed', 'Warning'],
  ['GatePassed', { hook: 'ask', hookType: 'confirm-rollout' }, 'Confirm-rollout check ask passed', 'Normal'],
  ['GatePassed', { hook: 'ask', hookType: 'confirm-promotion' }, 'Confirm-promotion check ask passed', 'Normal'],
  [
    'GatePassed',
    { hook: 'ask', hookType: 'confirm-traffic-increase' },
    'Confirm-traffic-increase check ask passed',
    'Normal',
  ],
  [
    'HookFailed',
    { hook: 'smoke', hookType: 'pre-rollout', detail: 'no' },
    'Halt podinfo.test advancement pre-rollout check smoke failed no',
    'Warning',
  ],
  [
    'HookFailed',
    { hook: 'load', hookType: 'rollout', detail: 'no' },
    'Halt podinfo.test advancement external check load failed no',
    'Warning',
  ],
  ['HookFailed', { hook: 'bye', hookType: 'post-rollout', detail: 'no' }, 'Post-rollout hook bye failed no', 'Warning'],
  [
    'GateWaiting',
    { hook: 'ask', hookType: 'confirm-rollout' },
    'Halt podinfo.test advancement waiting for approval ask',
    'Warning',
  ],
  [
    'GateWaiting',
    { hook: 'ask', hookType: 'confirm-promotion' },
    'Halt podinfo.test advancement waiting for promotion approval ask',
    'Warning',
  ],
  [
    'GateWaiting',
    { hook: 'ask', hookType: 'confirm-traffic-increase' },
    'Halt podinfo.test advancement waiting for traffic increase approval ask',
    'Warning',
  ],
  ['WeightAdvanced', { weightPercent: 20 }, 'Advance podinfo.test canary weight 20', 'Normal'],
  ['PrimaryWeightAdvanced', { weightPercent: 70 }, 'Advance podinfo.test primary weight 70', 'Normal'],
  ['IterationAdvanced', { iteration: 2, iterations: 10 }, 'Advance podinfo.test canary iteration 2/10', 'Normal'],
  ['Promoting', {}, 'Copying backend.test template spec to backend-primary.test', 'Normal'],
  ['Promoted', {}, 'Promotion completed! Scaling down backend.test', 'Normal'],
  ['PromotedSkipped', {}, 'Promotion completed! Canary analysis was skipped for backend.test', 'Normal'],
  [
    'MetricFailed',
    { check: 'request-success-rate', checkKind: 'builtin', value: 81.5, bound: 99, side: 'min' },
    'Halt podinfo.test advancement success rate 81.50% < 99%',
    'Warning',
  ],
  [
    'MetricFailed',
    { check: 'request-duration', checkKind: 'builtin', value: 1212.5, bound: 500, side: 'max' },
    'Halt podinfo.test advancement request duration 1.2125s > 500ms',
    'Warning',
  ],
  [
    'MetricFailed',
    { check: 'errors', checkKind: 'template', value: 3, bound: 1.5, side: 'max' },
    'Halt podinfo.test advancement errors 3.00 > 1.5',
    'Warning',
  ],
  [
    'NoData',
    { check: 'request-duration', checkKind: 'builtin' },
    'Halt advancement no values found for istio metric request-duration probably backend.test is not receiving traffic',
    'Warning',
  ],
  ['NoData', { check: 'errors', checkKind: 'query' }, 'Halt advancement no values found for metric: errors', 'Warning'],
  [
    'NoData',
    { check: 'errors', checkKind: 'template' },
    'Halt advancement no values found for custom metric: errors: no values found',
    'Warning',
  ],
  ['MetricSourceError', { checkKind: 'builtin', detail: 'timed out' }, 'Prometheus query failed: timed out', 'Warning'],
  [
    'MetricSourceError',
    { check: 'errors', checkKind: 'template', detail: 'timed out' },
    'Metric query failed for errors: timed out',
    'Warning',
  ],
  [
    'RollingBack',
    { reason: 'FailedChecks', failedChecks: 5 },
    'Rolling back podinfo.test failed checks threshold reached 5',
    'Warning',
  ],
  ['RollingBack', { reason: 'RollbackHook' }, 'Rolling back podinfo.test manual webhook invoked', 'Warning'],
  [
    'RollingBack',
    { reason: 'Aborted', detail: 'Aborted by ann' },
    'Rolling back podinfo.test: Aborted by ann',
    'Warning',
  ],
  [
    'RollingBack',
    { reason: 'NoData', detail: 'No data for 3 checks in a row: latency' },
    'Rolling back podinfo.test no data for too long: No data for 3 checks in a row: latency',
    'Warning',
  ],
  ['RolledBack', {}, 'Canary failed! Scaling down podinfo.test', 'Warning'],
  ['Terminating', {}, 'Terminating canary podinfo.test', 'Normal'],
];

const ALERTS: readonly [AnnouncementType, MessageFacts, string, string, boolean][] = [
  ['Initialized', {}, 'info', 'New Deployment detected, initialization completed.', true],
  ['RevisionDetected', {}, 'info', 'New revision detected, progressing canary analysis.', true],
  ['Promoted', {}, 'info', 'Canary analysis completed successfully, promotion finished.', false],
  ['PromotedSkipped', {}, 'info', 'Canary analysis was skipped, promotion finished.', false],
  ['GateWaiting', { hookType: 'confirm-rollout' }, 'warn', 'Canary is waiting for approval.', false],
  ['GateWaiting', { hookType: 'confirm-promotion' }, 'warn', 'Canary promotion is waiting for approval.', false],
  [
    'GateWaiting',
    { hookType: 'confirm-traffic-increase' },
    'warn',
    'Canary traffic increase is waiting for approval.',
    false,
  ],
  ['RollingBack', { reason: 'RollbackHook' }, 'warn', 'Rolling back manual webhook invoked', false],
  ['RollingBack', { reason: 'FailedChecks', failedChecks: 3 }, 'error', 'Failed checks threshold reached 3', false],
  ['PromotionFailed', { detail: 'timed out' }, 'error', 'Promotion failed, primary not ready: timed out', false],
];

describe('sentences', () => {
  it.each(SENTENCES)('%s %o reads as Flagger has it', (type, facts, message, eventType) => {
    expect(renderMessage(type, SUBJECT, facts)).toMatchObject({ message, eventType });
  });

  it.each(ALERTS)('%s %o alerts as Flagger does', (type, facts, severity, message, withMetadata) => {
    expect(renderMessage(type, SUBJECT, facts).alert).toEqual({ severity, message, withMetadata });
  });

  it('has no alert for a muted gate, nor for a step', () => {
    expect(renderMessage('GateWaiting', SUBJECT, { hookType: 'confirm-rollout', isMuted: true }).alert).toBeNull();
    expect(renderMessage('WeightAdvanced', SUBJECT, { weightPercent: 10 }).alert).toBeNull();
    expect(renderMessage('RolledBack', SUBJECT, {}).alert).toBeNull();
  });

  it('alerts on every rollback that Flagger does not know', () => {
    for (const reason of ['NoData', 'MetricSourceError', 'Aborted', 'InvalidSpec', 'CanaryCrashed', 'SomethingNew']) {
      expect(renderMessage('RollingBack', SUBJECT, { reason }).alert?.severity).toBe('error');
    }
  });

  it('renders every type without facts and with a huge detail, in one line', () => {
    for (const type of [...FLAGGER_TYPES, ...OWN_TYPES]) {
      expect(isAnnouncementType(type)).toBe(true);
      for (const facts of [{}, { detail: 'x\n'.repeat(5_000) }]) {
        const { message } = renderMessage(type, SUBJECT, facts);
        expect(message).not.toMatch(/undefined|NaN|\n/);
        expect(message.length).toBeLessThan(900);
      }
    }
  });

  it('tells an unknown type as it stands', () => {
    expect(renderMessage('FromTheFuture', SUBJECT, { detail: 'something' }).message).toBe('FromTheFuture something');
    expect(isAnnouncementType('toString')).toBe(false);
  });
});

describe('renderAnnouncement', () => {
  it('gives the same announcement for the same entry', () => {
    const { canary } = makeAnnouncement();
    const entry = { seq: 7, runId: 'abc', atMs: 1, type: 'WeightAdvanced', facts: { weightPercent: 30 } };
    expect(renderAnnouncement(entry, canary)).toEqual(
      renderAnnouncement(structuredClone(entry), structuredClone(canary)),
    );
    expect(renderAnnouncement(entry, canary)).toMatchObject({
      key: 'uid-1/abc/7',
      message: 'Advance web.shop canary weight 30',
    });
  });
});

describe('trafficRoutingOf', () => {
  const none = { stepWeight: 0, stepWeights: [], maxWeight: 0, hasMatch: false, iterations: 0 };
  it.each([
    [{ ...none, stepWeight: 5, maxWeight: 50 }, 'Weight step: 5 max: 50'],
    [{ ...none, stepWeights: [1, 2, 3], maxWeight: 80 }, 'Weight steps: 1,2,3 max: 80'],
    [{ ...none, hasMatch: true, iterations: 5 }, 'A/B Testing'],
    [{ ...none, iterations: 5 }, 'Blue/Green'],
    [none, ''],
  ])('%o is %s', (analysis, text) => {
    expect(trafficRoutingOf(analysis)).toBe(text);
  });
});
