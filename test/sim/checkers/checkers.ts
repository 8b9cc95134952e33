// All invariants together: they watch every commit, keep what history needs, and collect violations.
import type { ApiServer } from '../../../src/embedded/apiserver/server.ts';
import type { Commit } from '../../../src/embedded/apiserver/types.ts';
import type { HttpRequest } from '../../../src/http/contract.ts';
import { DEPLOYMENT, EVENT } from '../../../src/kube/kinds.ts';
import type { Clock } from '../../../src/util/clock.ts';
import type { MetricAnswer } from '../outgoing.ts';
import type { Scenario } from '../scenarios.ts';
import { checkPrimary } from './promotion.ts';
import { checkDrain, checkResting, checkRoute, checkTarget, type ReadyAtRecord } from './traffic.ts';
import { countsOf, fenceOf, View, weightOf } from './view.ts';

const VIOLATIONS_MAX = 20;
/** Checks that must pass before promotion: one at each of the weights 20, 40, 60. */
const CHECKS_NEEDED = 3;
const DRAIN_MS = 10_000;
const INTERVAL_MS = 10_000;

export class Checkers {
  readonly violations: string[] = [];
  readonly #api: ApiServer;
  readonly #clock: Clock;
  readonly #scenario: Scenario;
  readonly #view: View;
  readonly #passes = new Map<string, number>();
  readonly #sinkKeys = new Map<string, string>();
  readonly #raises = new Map<string, number>();
  /** Clocks that disagree by more than an interval make checks come early; each is still taken. */
  readonly #isSkewed: boolean;
  #recorded: ReadyAtRecord = { target: 0, primary: 0 };
  #zeroAtMs = 0;
  #lastStepAtMs = -Infinity;
  #isIdle = false;
  #isBegun = false;

  constructor(api: ApiServer, clock: Clock, scenario: Scenario, isSkewed: boolean) {
    this.#isSkewed = isSkewed;
    this.#api = api;
    this.#clock = clock;
    this.#scenario = scenario;
    this.#view = new View(api);
    api.onCommit((commit) => this.#commit(commit));
  }

  readonly violate = (rule: string, message: string): void => {
    const text = `${rule} at ${Math.round(this.#clock.monotonicMs())} ms: ${message}`;
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(text);
  };

  begin(): void {
    this.#isBegun = true;
  }

  beginIdle(): void {
    this.#isIdle = true;
  }

  /** A new image for the target: what was measured before does not count for it. */
  revision(image: string): void {
    this.#passes.delete(image);
  }

  /** A metric was asked; remembers what was answered while which image was the target's. */
  metricAsked(answer: MetricAnswer): MetricAnswer {
    const image = this.#image('shop');
    const isGood = answer.kind === 'value' && Number(answer.text) >= 99;
    if (isGood) this.#passes.set(image, (this.#passes.get(image) ?? 0) + 1);
    return answer;
  }

  /** A sink was called: a repetition must carry the same key and body. */
  called(request: HttpRequest): void {
    const key = request.headers?.['Idempotency-Key'] ?? request.headers?.['idempotency-key'] ?? '';
    const known = this.#sinkKeys.get(key);
    if (known !== undefined && known !== request.body)
      this.violate('S20', `the notification ${key} was repeated with another body`);
    this.#sinkKeys.set(key, request.body ?? '');
  }

  #commit(commit: Commit): void {
    const { kind, ref, user } = commit;
    const isOurs = user.startsWith('serin');
    if (isOurs && this.#isIdle && kind.kind !== 'Event')
      this.violate('S14', `${user} wrote ${kind.kind} ${ref.name} although nothing happens`);
    if (isOurs && kind.group === 'flagger.app')
      this.violate('S29', `${user} wrote the ${kind.kind} of a group that is not served`);
    if (kind.kind === 'VirtualService') this.#route(commit);
    if (kind.kind === 'Deployment' && ref.name === 'shop') {
      checkTarget(commit, this.#view, this.#recorded, this.violate);
      if (this.#isBegun && this.#view.canary()?.metadata.deletionTimestamp === undefined) {
        checkDrain(commit, this.#zeroAtMs, this.#clock.monotonicMs(), DRAIN_MS, this.violate);
      }
    }
    if (kind.kind === 'Deployment' && ref.name === 'shop-primary')
      checkPrimary(commit, this.#view, this.#passes, CHECKS_NEEDED, this.violate);
    if (kind.kind === 'Canary' && kind.group === 'serin.dev') {
      checkResting(commit, this.#view, this.violate);
      if (isOurs)
        this.#recorded = { target: countsOf(this.#view.target()).ready, primary: countsOf(this.#view.primary()).ready };
    }
  }

  #route(commit: Commit): void {
    checkRoute(commit, this.#view, this.#recorded, this.violate);
    const [was, is] = [weightOf(commit.before)?.canary ?? 0, weightOf(commit.after)?.canary ?? 0];
    if (is !== was || is > 0) this.#zeroAtMs = this.#clock.monotonicMs();
    if (is > was && commit.user.startsWith('serin'))
      this.#rose(is, fenceOf(commit.after, this.#view.canary()?.metadata.uid ?? ''));
  }

  /** S12: each raise happens once in a run; and never sooner than an interval after the last: checks count per tick, not per look. */
  #rose(weight: number, fence: string | null): void {
    // The fence that it carries says of which turn a write is: an older one may land before the fence of a newer turn.
    const key = `${fence ?? ''}/${weight}`;
    const times = (this.#raises.get(key) ?? 0) + 1;
    this.#raises.set(key, times);
    if (times > 1) this.violate('S12', `weight ${weight} was written ${times} times under fence ${fence ?? 'none'}`);
    const now = this.#clock.monotonicMs();
    if (weight > 20 && !this.#isSkewed && now - this.#lastStepAtMs < INTERVAL_MS * 0.5) {
      this.violate('S4', `weight ${weight} came ${Math.round(now - this.#lastStepAtMs)} ms after the last step`);
    }
    this.#lastStepAtMs = now;
  }

  /** What must be so when everything has come to rest. */
  end(): void {
    for (const violation of this.#api.violations) {
      this.violate(
        'S11',
        `${violation.user} ${violation.verb} ${violation.resource} ${violation.name ?? ''}: ${violation.what}`,
      );
    }
    const canary = this.#view.canary();
    if (canary === null) {
      this.#checkReleased();
      return;
    }
    const outbox = ((canary['status'] ?? {}) as { outbox?: unknown[] }).outbox ?? [];
    if (outbox.length > 0) this.violate('L9', `${outbox.length} announcements were never acknowledged`);
    const state = this.#view.state();
    if (state.phase === 'Succeeded' || state.phase === 'Failed') this.#checkTold(state.phase);
  }

  /** S20: nothing that was committed stays untold. */
  #checkTold(phase: string): void {
    const reasons = this.events();
    const expected =
      phase === 'Succeeded' ? ['Promoted', 'PromotedSkipped', 'ReturnedToPrimary'] : ['RolledBack', 'PromotionFailed'];
    if (!expected.some((reason) => reasons.includes(reason)))
      this.violate('S20', `phase ${phase} was never announced: ${reasons.join(', ')}`);
    if (this.#scenario.end !== null && !reasons.includes('RevisionDetected'))
      this.violate('S20', 'the begin of the run was never announced');
  }

  /** S18: a deleted Canary leaves the app served by the target, through objects that exist. */
  #checkReleased(): void {
    const target = countsOf(this.#view.target());
    if (target.ready === 0) this.violate('S18', 'after the deletion the target has no ready pod');
    const selector = ((this.#view.apex()?.['spec'] ?? {}) as { selector?: Record<string, string> }).selector ?? {};
    if (selector['app'] !== 'shop')
      this.violate('S18', `after the deletion the apex Service selects ${JSON.stringify(selector)}`);
  }

  /** The last thing that people did has been taken up. */
  isCaughtUp(): boolean {
    const image = this.#image('shop');
    const primary = this.#image('shop-primary');
    const state = this.#view.state();
    if (state.phase === 'Failed') return state.seenRevision !== state.promotedRevision || primary === image;
    return primary === image;
  }

  primaryImage(): string {
    return this.#image('shop-primary');
  }

  #image(name: string): string {
    const spec = this.#api.store.get(DEPLOYMENT, 'web', name)?.['spec'] as
      | { template?: { spec?: { containers?: { image?: string }[] } } }
      | undefined;
    return spec?.template?.spec?.containers?.[0]?.image ?? '';
  }

  /** Reasons of the Events about the Canary. */
  events(): readonly string[] {
    return this.#api.store
      .list(EVENT, 'web')
      .filter(
        (event) => (event['regarding'] as { apiVersion?: string } | undefined)?.apiVersion === 'serin.dev/v1beta1',
      )
      .map((event) => String(event['reason']));
  }
}
