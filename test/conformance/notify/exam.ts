// The exam that every notifier over HTTP sits, against a real server that stands for the sink.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../../src/http/contract.ts';
import type { Announcement, Notifier } from '../../../src/notify/contract.ts';
import { never, openTestHttp, startSink } from './support.ts';
import type { ReceivedRequest, Sink, SinkAnswer } from './support.ts';

/** One notifier under examination. */
export interface NotifierExam {
  readonly name: string;
  /** Opens the notifier so that it reaches `url`, with this secret in whatever place secrets have. */
  open(http: HttpClient, url: string, secret: string): Notifier;
  /** An announcement that it wants. */
  readonly announcement: Announcement;
  /** What the sink answers when all is well. */
  accept(request: ReceivedRequest): SinkAnswer;
  /** An answer with status 200 that is a failure all the same; null where there is no such answer. */
  readonly refusal: SinkAnswer | null;
}

const SECRET = 'planted-secret-4711';

/** Registers the exam for one notifier. */
export function examineNotifier(exam: NotifierExam): void {
  describe(`notifier ${exam.name}`, () => {
    let sink: Sink;
    let notifier: Notifier;

    beforeEach(async () => {
      sink = await startSink();
      sink.answer = (request) => exam.accept(request);
      notifier = exam.open(openTestHttp(300), `${sink.url}/${SECRET}`, SECRET);
    });
    afterEach(() => sink.close());

    const send = (handle: string | null = null): ReturnType<Notifier['send']> =>
      notifier.send(exam.announcement, handle, never());

    it('wants its announcement and delivers it', async () => {
      expect(notifier.wants(exam.announcement)).toBe(true);
      expect(await send()).toMatchObject({ kind: 'delivered' });
      expect(sink.received.length).toBeGreaterThan(0);
    });

    it('repeats an announcement with the same key and the same body', async () => {
      await send();
      const first = sink.received.splice(0);
      await send();
      expect(sink.received.map(({ body }) => body)).toEqual(first.map(({ body }) => body));
      expect(sink.received.map(({ headers }) => headers['idempotency-key'])).toEqual(
        first.map(({ headers }) => headers['idempotency-key']),
      );
    });

    it('honours Retry-After of a 429', async () => {
      sink.answer = () => ({ status: 429, body: 'slow down', headers: { 'retry-after': '30' } });
      expect(await send()).toMatchObject({ kind: 'failed', retryAfterMs: 30_000 });
    });

    it.each([500, 502, 503, 408, 425])('tries again after %i', async (status) => {
      sink.answer = () => ({ status, body: '<html>bad gateway</html>' });
      const delivery = await send();
      expect(delivery).toMatchObject({ kind: 'failed', retryAfterMs: expect.any(Number) });
    });

    it.each([400, 401, 403, 404, 410, 413])('gives up after %i', async (status) => {
      sink.answer = () => ({ status, body: 'no' });
      expect(await send()).toMatchObject({ kind: 'failed', retryAfterMs: null });
    });

    it('does not wait longer than its time-out for a silent sink', async () => {
      sink.answer = () => null;
      expect(await send()).toMatchObject({ kind: 'failed', retryAfterMs: expect.any(Number) });
    });

    it('tries again when nothing listens', async () => {
      await sink.close();
      expect(await send()).toMatchObject({ kind: 'failed', retryAfterMs: expect.any(Number) });
    });

    it.skipIf(exam.refusal === null)('takes a refusal within a 200 for a failure', async () => {
      sink.answer = () => exam.refusal;
      expect(await send()).toMatchObject({ kind: 'failed' });
    });

    it('never shows a secret, nor what the sink says', async () => {
      for (const status of [200, 302, 400, 500]) {
        sink.answer = () => ({
          status,
          body: `${SECRET} Bearer ${SECRET}`,
          headers: { location: `http://127.0.0.1/${SECRET}` },
        });
        expect(JSON.stringify(await send())).not.toContain(SECRET);
      }
    });
  });
}
