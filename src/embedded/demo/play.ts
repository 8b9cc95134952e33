// Plays one story: brings the revision, watches what becomes of it, and has measured what clients saw meanwhile.
import { scrapeUrls } from './app-pods.ts';
import type { EndedRun } from './canary-log.ts';
import type { StoryFigures } from './figures.ts';
import { measure } from './measure.ts';
import { laterImage } from './scene.ts';
import { waitUntil, type Stage } from './stage.ts';
import type { Story } from './stories.ts';
import { startWitness } from './witness.ts';

/** A story has to be over by then, in milliseconds. */
const STORY_MAX_MS = 40_000;
/** A story goes on until so many requests were sent. */
const REQUESTS_MIN = 2_000;
/** And so long after its end, so that late damage would be seen, in milliseconds. */
const CALM_MS = 3_000;
/** Longer than clients wait for an answer, in milliseconds. */
const ANSWER_MAX_MS = 11_000;

/** A story that was played, and when the Canary rested at its end; monotonic milliseconds. */
export interface Played {
  readonly figures: StoryFigures;
  readonly restMs: number;
  readonly endMs: number;
}

/** Plays the story to its end, or until it takes too long. */
export async function playStory(story: Story, stage: Stage): Promise<Played> {
  const { clock, scene, cluster, ledger, load } = stage;
  const { breach } = story;
  const image = laterImage(scene, story.later, story.fault);
  const urls = (): readonly string[] => scrapeUrls(cluster.api, scene, image);
  const witness = breach === null ? null : startWitness({ clock, bounds: scene.bounds, breach, urls });
  const beginMs = clock.monotonicMs();
  cluster.setImage(image);
  await waitUntil(stage, () => endedRun(stage, image) !== null, STORY_MAX_MS);
  const restMs = clock.monotonicMs();
  const count = (): number => ledger.between(beginMs, Number.POSITIVE_INFINITY).length;
  await waitUntil(stage, () => clock.monotonicMs() >= restMs + CALM_MS && count() >= REQUESTS_MIN, STORY_MAX_MS);
  const endMs = clock.monotonicMs();
  await waitUntil(stage, () => load.isAnsweredUntil(endMs), ANSWER_MAX_MS);
  await witness?.stop();
  const run = endedRun(stage, image);
  const told = { story, image, beginMs, restMs, endMs, run, breachMs: witness?.breachMs() ?? null };
  return { figures: measure(told, stage), restMs, endMs };
}

/** The run of the image, once the Canary rests after it. */
function endedRun({ canary }: Stage, image: string): EndedRun | null {
  const { phase, ended } = canary.now();
  const run = ended.find(({ images }) => images.includes(image));
  return run !== undefined && (phase === 'Succeeded' || phase === 'Failed') ? run : null;
}
