// The state machine. Read a phase from top to bottom: the first signal that holds decides. Safety stands above progress.
import type { Phase } from './phase.ts';
import type { SignalName } from './signals.ts';
import type { UpdateName } from './updates.ts';

/** When this signal holds, go to this phase and change the state so. */
export type Row = readonly [when: SignalName, to: Phase, update: UpdateName];
/** A phase's rows end with one that always holds, so that every look is decided. */
export type Rows = readonly [...Row[], readonly ['always', Phase, UpdateName]];

/** A run under judgement: the same rows whether it moves on or waits for the promotion gate. */
// oxfmt-ignore
function judged(here: 'Progressing' | 'WaitingPromotion'): Rows {
  //       when                    to                  update
  return [['deleted',              'Terminating',      'release'],
          ['abortAsked',           'RollingBack',      'rollBack'],
          ['specBroken',           'RollingBack',      'rollBack'],
          ['targetGone',           'RollingBack',      'rollBack'],
          ['suspended',            here,               'keep'],
          ['returned',             'Returning',        'goBack'],
          ['revisionChanged',      'Progressing',      'begin'],
          ['contentLost',          'Progressing',      'begin'],
          ['canaryDead',           'RollingBack',      'rollBack'],
          ['deadlinePassed',       'RollingBack',      'rollBack'],
          ['paused',               here,               'keep'],
          ['rollbackAsked',        'RollingBack',      'rollBack'],
          ['budgetSpent',          'RollingBack',      'strikeOut'],
          ['noDataTooLong',        'RollingBack',      'strikeOut'],
          ['sourceDownTooLong',    'RollingBack',      'strikeOut'],
          ['unsettled',            here,               'postpone'],
          ['checkFailed',          here,               'count'],
          ['inconclusive',         here,               'count'],
          ['stepsDone',            'Promoting',        'promote'],
          ['promotionGateClosed',  'WaitingPromotion', 'advance'],
          ['tickPassed',           here,               'advance'],
          ['always',               here,               'keep']];
}

// oxfmt-ignore
export const MACHINE: Readonly<Record<Phase, Rows>> = {
  //                   when                    to                  update
  Initializing:     [['deleted',              'Terminating',      'release'],
                     ['abortAsked',           'Failed',           'giveUp'],
                     ['suspended',            'Initializing',     'keep'],
                     ['primaryServes',        'Initialized',      'settle'],
                     ['servedLate',           'Initialized',      'settleUndrained'],
                     ['deadlinePassed',       'Failed',           'giveUp'],
                     ['revisionChanged',      'Initializing',     'adopt'],
                     ['always',               'Initializing',     'keep']],

  Initialized:      [['deleted',              'Terminating',      'release'],
                     ['returned',             'Initialized',      'note'],
                     ['changedGated',         'Waiting',          'begin'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['drainedAtLast',        'Initialized',      'drained'],
                     ['always',               'Initialized',      'keep']],

  Waiting:          [['deleted',              'Terminating',      'release'],
                     ['abortAsked',           'RollingBack',      'rollBack'],
                     ['specBroken',           'RollingBack',      'rollBack'],
                     ['targetGone',           'RollingBack',      'rollBack'],
                     ['suspended',            'Waiting',          'keep'],
                     ['returned',             'Returning',        'goBack'],
                     ['revisionChanged',      'Waiting',          'begin'],
                     ['deadlinePassed',       'RollingBack',      'rollBack'],
                     ['paused',               'Waiting',          'keep'],
                     ['approved',             'Progressing',      'start'],
                     ['ticked',               'Waiting',          'wait'],
                     ['always',               'Waiting',          'keep']],

  Progressing:        judged('Progressing'),
  WaitingPromotion:   judged('WaitingPromotion'),

  Promoting:        [['deleted',              'Terminating',      'release'],
                     ['abortAsked',           'RollingBack',      'rollBack'],
                     ['specBroken',           'RollingBack',      'rollBack'],
                     ['targetGone',           'RollingBack',      'rollBack'],
                     ['suspended',            'Promoting',        'keep'],
                     ['returned',             'Returning',        'goBack'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['contentLost',          'Progressing',      'begin'],
                     ['canaryDead',           'RollingBack',      'rollBack'],
                     ['deadlinePassed',       'KeepingCanary',    'keepCanary'],
                     ['paused',               'Promoting',        'keep'],
                     ['handBackDue',          'Promoting',        'handBack'],
                     ['handingBack',          'Promoting',        'keep'],
                     ['primaryReady',         'Finalising',       'finalise'],
                     ['always',               'Promoting',        'keep']],

  Finalising:       [['deleted',              'Terminating',      'release'],
                     ['abortAsked',           'RollingBack',      'rollBack'],
                     ['suspended',            'Finalising',       'keep'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['canaryGone',           'Succeeded',        'succeed'],
                     ['primaryLost',          'KeepingCanary',    'keepCanary'],
                     ['undrainedLate',        'Succeeded',        'succeedUndrained'],
                     ['deadlinePassed',       'Finalising',       'extend'],
                     ['always',               'Finalising',       'keep']],

  Succeeded:        [['deleted',              'Terminating',      'release'],
                     ['returned',             'Succeeded',        'note'],
                     ['changedGated',         'Waiting',          'begin'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['drainedAtLast',        'Succeeded',        'drained'],
                     ['always',               'Succeeded',        'keep']],

  RollingBack:      [['deleted',              'Terminating',      'release'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['canaryGone',           'Failed',           'fail'],
                     ['undrainedLate',        'Failed',           'failUndrained'],
                     ['deadlinePassed',       'RollingBack',      'extend'],
                     ['abortAsked',           'RollingBack',      'keep'],
                     ['always',               'RollingBack',      'keep']],

  Returning:        [['deleted',              'Terminating',      'release'],
                     ['abortAsked',           'RollingBack',      'rollBack'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['canaryGone',           'Succeeded',        'comeBack'],
                     ['undrainedLate',        'Succeeded',        'comeBackUndrained'],
                     ['deadlinePassed',       'Returning',        'extend'],
                     ['always',               'Returning',        'keep']],

  KeepingCanary:    [['deleted',              'Terminating',      'release'],
                     ['abortAsked',           'RollingBack',      'rollBack'],
                     ['revisionChanged',      'Promoting',        'heal'],
                     ['primaryReady',         'Finalising',       'finalise'],
                     ['canaryServesAll',      'Failed',           'failKept'],
                     ['deadlinePassed',       'KeepingCanary',    'extend'],
                     ['always',               'KeepingCanary',    'keep']],

  Failed:           [['deleted',              'Terminating',      'release'],
                     ['changedUninitialized', 'Initializing',     'adopt'],
                     ['changedBroken',        'Promoting',        'heal'],
                     ['returned',             'Failed',           'note'],
                     ['changedGated',         'Waiting',          'begin'],
                     ['revisionChanged',      'Progressing',      'begin'],
                     ['drainedAtLast',        'Failed',           'drained'],
                     ['always',               'Failed',           'keep']],

  Terminating:      [['releaseLate',          'Terminating',      'keepPrimary'],
                     ['deadlinePassed',       'Terminating',      'extend'],
                     ['always',               'Terminating',      'keep']],
};
