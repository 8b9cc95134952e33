// The strict reader of Prometheus answers: every way in which an answer can be no number, and that none of them passes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge } from '../../../src/core/analysis/verdict.ts';
import { readInstantQuery, readNumber } from '../../../src/metrics/samples.ts';

const now = Date.UTC(2026, 0, 1);
const seconds = now / 1_000;
const at = (value: unknown, time: unknown = seconds): unknown => ({
  status: 'success',
  data: { resultType: 'vector', result: [{ metric: {}, value: [time, value] }] },
});
const read = (answer: unknown): ReturnType<typeof readInstantQuery> =>
  readInstantQuery(typeof answer === 'string' ? answer : JSON.stringify(answer), now);

describe('readInstantQuery()', () => {
  test.each<[string, unknown, number]>([
    ['one series', at('99.5'), 99.5],
    ['an integer', at('100'), 100],
    ['zero', at('0'), 0],
    ['negative', at('-1.5'), -1.5],
    ['an exponent', at('1.5e-7'), 1.5e-7],
    ['a scalar', { status: 'success', data: { resultType: 'scalar', result: [seconds, '3'] } }, 3],
    ['warnings beside it', { ...(at('7') as object), warnings: ['partial'], infos: ['x'] }, 7],
    ['a little old', at('7', seconds - 299), 7],
    ['a little in the future', at('7', seconds + 59), 7],
    ['a fraction of a second', at('7', seconds + 0.123), 7],
  ])('a value: %s', (_, answer, value) => {
    expect(read(answer)).toEqual({ kind: 'value', value });
  });

  test.each<[string, unknown, RegExp]>([
    ['no series', { status: 'success', data: { resultType: 'vector', result: [] } }, /no series/],
    ['NaN', at('NaN'), /NaN/],
    ['nan', at('nan'), /NaN/],
    ['+Inf', at('+Inf'), /infinite/],
    ['-Inf', at('-Inf'), /infinite/],
    ['Inf', at('Inf'), /infinite/],
    ['Infinity', at('Infinity'), /infinite/],
    ['beyond a double', at('1e309'), /infinite/],
    ['stale', at('7', seconds - 301), /stale: 301 s old/],
    ['at the epoch', at('7', 0), /stale/],
    ['in the future', at('7', seconds + 61), /in the future/],
    ['a scalar NaN', { status: 'success', data: { resultType: 'scalar', result: [seconds, 'NaN'] } }, /NaN/],
  ])('no data: %s', (_, answer, detail) => {
    const sample = read(answer);
    expect(sample).toMatchObject({ kind: 'empty', detail: expect.stringMatching(detail) });
    expect(judge({ name: 'x', min: null, max: null }, sample).verdict).toBe('Insufficient');
  });

  test.each<[string, unknown, RegExp]>([
    ['hexadecimal', at('0x10'), /not a number/],
    ['an empty text', at(''), /not a number/],
    ['blanks', at(' 7 '), /not a number/],
    ['a suffix', at('9x'), /not a number/],
    ['two numbers', at('1 2'), /not a number/],
    ['a comma', at('1,5'), /not a number/],
    ['an underscore', at('1_000'), /not a number/],
    ['null', at(null), /not a number/],
    ['true', at(true), /not a number/],
    ['a bare number', at(5), /not a number/],
    ['an empty list', at([]), /not a number/],
    ['a list', at(['5']), /not a number/],
    ['an object', at({}), /not a number/],
    ['other digits', at('٣'), /not a number/],
    ['endless digits', at('9'.repeat(100_000)), /not a number/],
    ['no time', at('7', null), /no time/],
    ['a text for time', at('7', '1767225600'), /no time/],
    [
      'two series',
      { status: 'success', data: { resultType: 'vector', result: [{}, {}] } },
      /2 series, must return one/,
    ],
    [
      'many series',
      { status: 'success', data: { resultType: 'vector', result: Array.from({ length: 5_000 }, () => 0) } },
      /5000 series/,
    ],
    [
      'a matrix',
      { status: 'success', data: { resultType: 'matrix', result: [{ values: [[seconds, '1']] }] } },
      /returned a matrix, must return a vector/,
    ],
    ['a string', { status: 'success', data: { resultType: 'string', result: [seconds, '100'] } }, /returned a string/],
    [
      'a native histogram',
      { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, histogram: [seconds, {}] }] } },
      /native histogram/,
    ],
    [
      'a value of length 1',
      { status: 'success', data: { resultType: 'vector', result: [{ value: [seconds] }] } },
      /pair/,
    ],
    [
      'a value of length 3',
      { status: 'success', data: { resultType: 'vector', result: [{ value: [seconds, '1', '2'] }] } },
      /pair/,
    ],
    ['no value', { status: 'success', data: { resultType: 'vector', result: [{ metric: {} }] } }, /pair/],
    ['a series that is none', { status: 'success', data: { resultType: 'vector', result: [7] } }, /not an object/],
    ['a result that is none', { status: 'success', data: { resultType: 'vector', result: 'x' } }, /no result/],
    ['an unknown type', { status: 'success', data: { resultType: 'tensor', result: [] } }, /no result/],
    ['a type of the prototype', { status: 'success', data: { resultType: 'constructor', result: [] } }, /no result/],
    ['no data', { status: 'success' }, /no data/],
    ['no status', { data: { resultType: 'scalar', result: [seconds, '1'] } }, /neither success nor error/],
    [
      'an error with 200',
      { status: 'error', errorType: 'bad_data', error: 'parse error\n\u0007here' },
      /query failed: bad_data, parse error here$/,
    ],
    [
      'an error of an unknown kind',
      { status: 'error', errorType: 'root:x:0:0', error: 'secret page' },
      /^the query failed: of an unknown kind$/,
    ],
    ['null', 'null', /not an object/],
    ['a number', '5', /not an object/],
    ['a list', '[]', /not an object/],
    ['no body', '', /not JSON/],
    ['a page', '<html><body>99.9</body></html>', /a page, not JSON/],
    ['a byte order mark', `\ufeff${JSON.stringify(at('7'))}`, /not JSON/],
    ['two documents', `${JSON.stringify(at('7'))}${JSON.stringify(at('7'))}`, /not JSON/],
    ['half a document', JSON.stringify(at('7')).slice(0, -3), /not JSON/],
    ['nested 200,000 deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, /not an object|not JSON/],
    [
      'deep inside the value',
      JSON.stringify(at('X')).replace('"X"', `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      /not a number|not JSON/,
    ],
  ])('an error: %s', (_, answer, detail) => {
    const sample = read(answer);
    expect(sample).toMatchObject({ kind: 'error', detail: expect.stringMatching(detail) });
    expect(judge({ name: 'x', min: null, max: null }, sample).verdict).toBe('Error');
  });

  test('never throws and never gives a value that is not finite, whatever JSON comes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const sample = readInstantQuery(text, now);
        expect(sample.kind !== 'value' || Number.isFinite(sample.value)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (time, value) => {
        const sample = read(at(value, time));
        if (sample.kind === 'value') expect(Number.isFinite(sample.value)).toBe(true);
      }),
    );
  });

  test('nothing of a page reaches the detail', () => {
    for (const body of ['<html>s3cret</html>', '{"status":"s3cret"}', '{"s3cret"', JSON.stringify(at('s3cret'))])
      expect(JSON.stringify(read(body))).not.toContain('s3cret');
  });
});

describe('readNumber()', () => {
  test('reads what Go and JavaScript write', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(readNumber(String(value))).toEqual({ finite: value === 0 ? Number(String(value)) : value });
      }),
    );
    expect(readNumber('.5')).toEqual({ finite: 0.5 });
    expect(readNumber('5.')).toEqual({ finite: 5 });
    expect(readNumber('.')).toEqual({ not: 'a number' });
  });
});
