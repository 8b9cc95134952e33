// Which answers of PostgreSQL are worth a second try.
import { expect, test } from 'vitest';
import { isPassingSqlError } from '../../../src/queue/sql-errors.ts';

test.each([
  ['40P01', true],
  ['40001', true],
  ['XX000', true],
  ['28P01', false],
  ['57P03', false],
  ['ECONNREFUSED', false],
  ['53300', false],
])('%s: %s', (code, isPassing) => {
  expect(isPassingSqlError(Object.assign(new Error('planted'), { code }))).toBe(isPassing);
  expect(isPassingSqlError(new Error(code))).toBe(false);
  expect(isPassingSqlError(null)).toBe(false);
});
