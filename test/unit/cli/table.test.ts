import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatFields, formatTable } from '../../../cmd/cli/table.ts';
import { hang, oneLine, truncate, widthOf, wrap } from '../../../cmd/cli/text.ts';

describe('a table', () => {
  test('is as wide as its cells, numbers to the right', () => {
    const columns = [{ header: 'NAME' }, { header: 'LAG', align: 'right' as const }];
    const rows = [
      ['strategies', '7'],
      ['log', '1,200'],
    ];
    expect(formatTable(columns, rows, 80)).toEqual([
      'NAME          LAG',
      'strategies      7',
      'log         1,200',
    ]);
  });

  test('cuts the widest column that may be cut, never an id', () => {
    const id = '018f6f3e-0000-7000-8000-000000000001';
    const columns = [{ header: 'ID' }, { header: 'NAME', fit: 'truncate' as const }];
    const lines = formatTable(columns, [[id, 'a name that goes on and on and on']], 50);
    expect(lines).toEqual([`ID${' '.repeat(36)}NAME`, `${id}  a name that…`]);
  });

  test('wraps what has to be read in full', () => {
    const columns = [{ header: 'MEASURE' }, { header: 'METHOD', fit: 'wrap' as const }];
    const lines = formatTable(columns, [['Sharpe', 'mean excess over sample deviation']], 30);
    expect(lines).toEqual([
      'MEASURE  METHOD',
      'Sharpe   mean excess over',
      '         sample deviation',
    ]);
  });

  test('puts what must stay whole on a line of its own, and narrows the last such column', () => {
    const columns = [
      { header: 'ID' },
      { header: 'TYPE', fit: 'below' as const, minimum: 8 },
      { header: 'CODE', fit: 'below' as const, minimum: 8 },
    ];
    const rows = [
      ['1234567890', 'Deposit', 'accepted'],
      ['1234567891', 'Withdraw', 'INSUFFICIENT_CASH'],
      ['1234567892', 'RecordTrade', 'ok'],
    ];
    expect(formatTable(columns, rows, 33)).toEqual([
      'ID          TYPE         CODE',
      '1234567890  Deposit      accepted',
      '1234567891  Withdraw',
      '                INSUFFICIENT_CASH',
      '1234567892  RecordTrade  ok',
    ]);
    expect(formatTable(columns, rows, 30)).toEqual([
      'ID          TYPE      CODE',
      '1234567890  Deposit   accepted',
      '1234567891  Withdraw',
      '             INSUFFICIENT_CASH',
      '1234567892            ok',
      '            RecordTrade',
    ]);
  });

  test('counts wide characters as two columns', () => {
    const columns = [{ header: 'NAME' }, { header: 'X' }];
    expect(
      formatTable(
        columns,
        [
          ['日本', '1'],
          ['abcd', '2'],
        ],
        80,
      ),
    ).toEqual(['NAME  X', '日本  1', 'abcd  2']);
  });

  test('fits, whatever is in the cells that may give way', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 120 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, text, fc.string({ unit: 'grapheme', maxLength: 18 })), {
          maxLength: 5,
        }),
        (rows) => {
          const columns = [
            { header: 'A', fit: 'truncate' as const },
            { header: 'B', fit: 'wrap' as const },
            { header: 'C', fit: 'below' as const },
          ];
          for (const line of formatTable(columns, rows, 40)) {
            expect(widthOf(line)).toBeLessThanOrEqual(40);
          }
        },
      ),
    );
  });
});

test('fields without a value are left out, long values go on below', () => {
  const fields = [
    ['id', '7'],
    ['reason', ''],
    ['note', 'one two three four'],
  ] as const;
  expect(formatFields(fields, 18)).toEqual(['  id    7', '  note  one two', '        three four']);
});

test('text of others cannot move the cursor or turn the line around', () => {
  expect(oneLine('a\u001b[2Jb\nc\u0007\u202ed')).toBe('ab cd');
});

test('a cut text says so and is not longer than it may be', () => {
  expect(truncate('abcdef', 6)).toBe('abcdef');
  expect(truncate('abcdefg', 6)).toBe('abcde…');
  expect(truncate('日本語', 4)).toBe('日…');
});

test('a sentence goes on below its beginning; a word that is longer than the line stays whole', () => {
  expect(hang('one two three four', 10)).toEqual(['one two', '  three', '  four']);
  expect(hang('  - one two', 8)).toEqual(['  - one', '    two']);
  expect(hang('see /a/path/of/many/parts now', 10)).toEqual([
    'see',
    '  /a/path/of/many/parts',
    '  now',
  ]);
  expect(hang('', 10)).toEqual(['']);
});

test('a word that is longer than the line is cut', () => {
  expect(wrap('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij']);
});
