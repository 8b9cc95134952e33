// Texts are cut within limits and numbers read as Go prints them.
import { describe, expect, it } from 'vitest';
import { cutBytes, cutText, escapeSlack, formatDuration, formatMicroTime } from '../../../src/notify/text.ts';

describe('text', () => {
  it.each([
    [0, '0s'],
    [0.0005, '500ns'],
    [0.25, '250µs'],
    [500, '500ms'],
    [1500, '1.5s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [-20, '-20ms'],
  ])('%d ms is %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it('cuts characters, not halves of them', () => {
    expect(cutText('a\n b', 10)).toBe('a b');
    expect(cutText('🦜🦜🦜', 3)).toBe('🦜🦜🦜');
    expect(cutText('🦜🦜🦜🦜', 3)).toBe('🦜🦜…');
    expect(cutBytes('🦜🦜🦜', 12)).toBe('🦜🦜🦜');
    expect(cutBytes('🦜🦜🦜', 11)).toBe('🦜🦜…');
    expect(Buffer.byteLength(cutBytes('ä'.repeat(1_000), 1_000))).toBeLessThanOrEqual(1_000);
  });

  it('formats instants with microseconds', () => {
    expect(formatMicroTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02T03:04:05.006000Z');
  });

  it('makes mentions harmless', () => {
    expect(escapeSlack('<!channel> & co')).toBe('&lt;!channel&gt; &amp; co');
  });
});
