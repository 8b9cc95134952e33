// The demo from its start to its end: the world, the load, the stories one after the other, and the figures.
import { sleep, type Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { Stretch } from './audit.ts';
import { viewOf } from './canary-log.ts';
import { describeStory, type DemoFigures } from './figures.ts';
import { Ledger } from './ledger.ts';
import { startLoadThread, type LoadThread } from './load-thread.ts';
import type { DemoOptions } from './options.ts';
import { playStory, type Played } from './play.ts';
import { round } from './round.ts';
import { readScene, type Scene } from './scene.ts';
import { waitUntil, type Stage } from './stage.ts';
import { STORIES, type Story } from './stories.ts';
import type { Board, LoadView, Teller } from './teller.ts';
import { openWorld, type World } from './world.ts';

/** What the demo is given from outside. */
export interface DemoPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly openTeller: (board: () => Board) => Teller;
  readonly onLogLine: (line: string) => void;
  /** Aborted by signals; what is under way is given up then, and everything closed. */
  readonly signal: AbortSignal;
  /** Called when the stories are over, before anything is kept running or closed. */
  readonly onFigures: (figures: DemoFigures) => void;
}

/** A gRPC connection costs more than ten times what a call on it does; half of the calls open one. */
const REQUESTS_PER_SECOND = { http: 200, grpc: 120 } as const;
/** All stories together, the start included, in milliseconds. */
const LIMIT_MS = 90_000;
/** How long after a run the controller may still have something to say that belongs to it, in milliseconds. */
const SETTLE_MS = 2_000;
/** As long as a timer can be. */
const KEEP_MS = 2 ** 31 - 1;
/** What counts as now, in milliseconds. */
const RECENT_MS = 1_000;

/** Runs the demo. Resolves when everything is closed again. */
export async function runDemo(options: DemoOptions, ports: DemoPorts): Promise<void> {
  const demo = new Demo(options, ports);
  try {
    await demo.run();
  } finally {
    await demo.close();
  }
}

class Demo {
  readonly #options: DemoOptions;
  readonly #ports: DemoPorts;
  readonly #scene: Scene;
  readonly #teller: Teller;
  readonly #ledger = new Ledger();
  /** Aborted by what ends the stories: a signal, the time limit, the end of the controller. */
  readonly #over = new AbortController();
  readonly #problems: string[] = [];
  #world: World | null = null;
  #load: LoadThread | null = null;
  #story = 'starting: API server, controller and its queue';

  constructor(options: DemoOptions, ports: DemoPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#scene = readScene(options);
    this.#teller = ports.openTeller(() => this.#board());
  }

  async run(): Promise<void> {
    const { clock, random, signal, onLogLine, onFigures } = this.#ports;
    signal.addEventListener('abort', () => this.#over.abort(), { once: true });
    const isLate = (): void => this.#giveUp(`not over after ${LIMIT_MS / 1_000} s`);
    const cancelLimit = clock.setTimer(Math.max(LIMIT_MS - clock.monotonicMs(), 0), isLate);
    const [options, scene, teller] = [this.#options, this.#scene, this.#teller];
    const world = await openWorld({ clock, random, options, scene, teller, onLogLine });
    this.#world = world;
    void world.controller.ended.then((how) => this.#giveUp(how));
    const figures = await this.#tellStories(world);
    cancelLimit();
    if (signal.aborted) return;
    if (options.isKept) this.#sayHowToUse(world);
    onFigures(figures);
    if (options.isKept && !this.#over.signal.aborted) await this.#keep();
  }

  async close(): Promise<void> {
    await this.#load?.stop();
    this.#teller.close();
    await this.#world?.close();
  }

  #giveUp(problem: string): void {
    if (this.#over.signal.aborted) return;
    this.#problems.push(problem);
    this.#over.abort();
  }

  async #tellStories(world: World): Promise<DemoFigures> {
    const { clock } = this.#ports;
    const storeStartSeconds = await this.#begin(world);
    const startSeconds = clock.monotonicMs() / 1_000;
    const stage = this.#stage(world);
    const played: Played[] = [];
    for (const name of this.#options.stories) {
      if (this.#over.signal.aborted) break;
      played.push(
        await this.#tell(
          STORIES.find((story) => story.name === name)!,
          stage,
        ),
      );
    }
    const seconds = clock.monotonicMs() / 1_000;
    return this.#sum(world, played, { storeStartSeconds, startSeconds, seconds });
  }

  /** Waits until the controller is ready and has taken the app over. Resolves with the seconds of the former. */
  async #begin({ controller, canary }: World): Promise<number> {
    const { clock } = this.#ports;
    const isOver = new Promise<null>((resolve) => {
      this.#over.signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    const started = await Promise.race([controller.ready.catch(() => null), isOver]);
    if (started !== null) this.#teller.line(`serin is ready after ${started.startSeconds.toFixed(1)} s`);
    const waiting = { clock, signal: this.#over.signal };
    await waitUntil(waiting, () => canary.now().phase === 'Initialized', LIMIT_MS);
    return round(started?.startSeconds ?? 0);
  }

  #stage({ cluster, route, canary, canaryLoad, audit }: World): Stage {
    const { clock } = this.#ports;
    const at = cluster.dataPlane[this.#scene.entrance];
    const { protocol } = this.#options;
    this.#load = startLoadThread({
      clock,
      protocol,
      address: protocol === 'grpc' ? at.grpcAddress : at.httpUrl,
      requestsPerSecond: REQUESTS_PER_SECOND[protocol],
      hosts: () => canaryLoad.hosts(),
      onAnswer: (answer) => {
        if (canaryLoad.isCounted(answer)) this.#ledger.note(answer);
      },
    });
    const base = { clock, scene: this.#scene, cluster, load: this.#load, ledger: this.#ledger };
    return { ...base, route, canary, audit, signal: this.#over.signal };
  }

  async #tell(story: Story, stage: Stage): Promise<Played> {
    this.#story = `story ${this.#options.stories.indexOf(story.name) + 1} of ${this.#options.stories.length}: ${story.title}`;
    this.#teller.line(this.#story);
    const played = await playStory(story, stage);
    // Whoever broke it off does not want to read that it is not as told.
    if (!this.#ports.signal.aborted) for (const line of describeStory(played.figures)) this.#teller.line(line);
    return played;
  }

  #sum(world: World, played: readonly Played[], times: Times): DemoFigures {
    const idle = played.map(({ restMs, endMs }): Stretch => [restMs + SETTLE_MS, endMs]);
    const idleSeconds = idle.reduce((sum, [from, until]) => sum + Math.max(until - from, 0), 0) / 1_000;
    const { requests } = world.audit.sum(idle);
    const stories = played.map(({ figures }) => figures);
    const problems = [
      ...this.#problems,
      ...stories.flatMap((story) => story.problems.map((what) => `${story.name}: ${what}`)),
    ];
    return {
      isAsTold: problems.length === 0,
      mesh: this.#options.mesh,
      protocol: this.#options.protocol,
      seconds: round(times.seconds),
      storeStartSeconds: times.storeStartSeconds,
      startSeconds: round(times.startSeconds),
      idleSeconds: round(idleSeconds),
      idleRequestsPerMinute: idleSeconds === 0 ? 0 : round((requests * 60) / idleSeconds),
      stories,
      problems,
    };
  }

  async #keep(): Promise<void> {
    const before = this.#ledger.totals();
    await sleep(this.#ports.clock, KEEP_MS, this.#over.signal);
    const { requests, failedElsewhere } = this.#ledger.totals();
    const failed = failedElsewhere - before.failedElsewhere;
    this.#teller.line(`kept: ${requests - before.requests} requests, ${failed} failed without an answer of a canary`);
  }

  #sayHowToUse({ cluster }: World): void {
    this.#story = 'kept running: Ctrl-C ends it';
    this.#teller.line('everything is kept running, with load; Ctrl-C ends it. For kubectl and serin:');
    this.#teller.raw(`export KUBECONFIG=${cluster.kubeconfigs.person}`);
  }

  #board(): Board {
    const { clock } = this.#ports;
    const world = this.#world;
    return {
      title: `${this.#options.mesh}, ${this.#options.protocol}`,
      seconds: clock.monotonicMs() / 1_000,
      story: this.#story,
      canaryName: `${this.#scene.name}.${this.#scene.namespace}`,
      canary: world?.canary.now() ?? viewOf(null),
      trends: world?.narrator.trends ?? new Map(),
      load: loadView(this.#ledger, clock.monotonicMs()),
    };
  }
}

interface Times {
  readonly storeStartSeconds: number;
  readonly startSeconds: number;
  readonly seconds: number;
}

function loadView(ledger: Ledger, nowMs: number): LoadView {
  const totals = ledger.totals();
  const recent = ledger.endedSince(nowMs - RECENT_MS);
  const canary = recent.filter(({ role }) => role === 'canary').length;
  return {
    requestsPerSecond: (recent.length * 1_000) / RECENT_MS,
    requests: totals.requests,
    failed: totals.failed,
    newConnectionsPercent: (100 * totals.newConnections) / Math.max(totals.requests, 1),
    canaryPercent: recent.length === 0 ? null : (100 * canary) / recent.length,
  };
}
