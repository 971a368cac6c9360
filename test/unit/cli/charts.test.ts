import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  drawdownsOf,
  formatAxis,
  formatAxisPercent,
  thinned,
  ticksOf,
} from '../../../cmd/cli/chart-series.ts';
import { svgChart } from '../../../cmd/cli/chart-svg.ts';
import { areaChart, drawdownChart } from '../../../cmd/cli/chart-text.ts';
import { toCsv } from '../../../cmd/cli/export-file.ts';
import { escapeHtml, htmlPage, htmlTable } from '../../../cmd/cli/html.ts';
import { widthOf } from '../../../cmd/cli/text.ts';

const day = 86_400;
const series = (values: readonly number[]) =>
  values.map((value, at) => ({ time: at * day, value }));

describe('charts on a terminal', () => {
  test('an area has its highest value on top and its lowest at the bottom', () => {
    expect(areaChart(series([0, 2, 4, 8]), { width: 40, height: 4 })).toEqual([
      '      8 ┤   █',
      '        │  ▁█',
      '        │ ▁██',
      '      0 ┤▂███',
      '         1970-01-01 to 1970-01-04',
    ]);
  });

  test('a drawdown hangs from 0', () => {
    const falls = drawdownsOf(series([10, 8, 10, 6, 12]));
    expect(falls.map(({ value }) => Number(value.toFixed(2)))).toEqual([0, -0.2, 0, -0.4, 0]);
    expect(drawdownChart(falls, { width: 40, height: 2 })).toEqual([
      '    0 % ┤ █ █',
      '  -40 % ┤   █',
      '         1970-01-01 to 1970-01-05',
    ]);
  });

  test('no line is wider than asked for, whatever the values', () => {
    const value = fc.double({ min: -1e12, max: 1e12, noNaN: true });
    const values = fc.array(value, { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(values, fc.integer({ min: 40, max: 200 }), (all, width) => {
        const lines = [
          ...areaChart(series(all), { width, height: 7 }),
          ...drawdownChart(drawdownsOf(series(all.map(Math.abs))), { width, height: 3 }),
        ];
        expect(lines.length).toBe(12);
        for (const line of lines) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(/NaN|Infinity|undefined/);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('the last value of the curve is in the last column', () => {
    const [top = ''] = areaChart(series([...Array(999).fill(1), 100]), { width: 80, height: 5 });
    expect(top.length).toBe(80);
    expect(top.endsWith(' █')).toBe(true);
  });
});

test('a thinned series keeps both ends, the highest and the lowest', () => {
  const values = Array.from({ length: 10_000 }, (_, at) => Math.sin(at / 50) * at);
  const kept = thinned(series(values), 400);
  expect(kept.length).toBeLessThanOrEqual(400);
  const shown = kept.map(({ value }) => value);
  expect([shown[0], shown.at(-1)]).toEqual([values[0], values.at(-1)]);
  expect([Math.min(...shown), Math.max(...shown)]).toEqual([
    Math.min(...values),
    Math.max(...values),
  ]);
  expect(kept.map(({ time }) => time)).toEqual(
    [...kept.map(({ time }) => time)].sort((a, b) => a - b),
  );
});

test('axes have round numbers', () => {
  expect(ticksOf(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticksOf(9800, 97_000, 5)).toEqual([20_000, 40_000, 60_000, 80_000]);
  expect(ticksOf(-0.61, 0, 5)).toEqual([-0.6, -0.4, -0.2, 0]);
  expect(ticksOf(3, 3, 5)).toEqual([3]);
  expect(ticksOf(1e6, 1e6 + 1e-9, 5).length).toBeLessThanOrEqual(12);
  expect([0, 1.5, 999, 9999, 12_345, 1_200_000, -2500].map(formatAxis)).toEqual([
    ...['0', '1.50', '999', '9999', '12.3k', '1.20M', '-2500'],
  ]);
  expect([0, -0.025, -0.4].map(formatAxisPercent)).toEqual(['0 %', '-2.5 %', '-40 %']);
});

describe('charts and pages in HTML', () => {
  const evil = '<script>alert("1")</script>&\u0007';

  test('what others have named is text, wherever it stands', () => {
    expect(escapeHtml(evil)).toBe('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;');
    const chart = svgChart({
      title: evil,
      series: [
        { name: evil, points: series([1, 2]) },
        { name: 'other', points: series([2, 1]) },
      ],
      marks: [{ time: 0, value: 1, kind: 'buy', text: evil }],
      format: () => evil,
    });
    const page = htmlPage(evil, evil, [
      { heading: evil, parts: [chart, htmlTable({ headers: [evil], rows: [[evil]] })] },
    ]);
    expect(page).not.toContain('<script');
    expect(page).not.toContain('\u0007');
  });

  test('a page asks nobody for anything', () => {
    const chart = svgChart({
      title: 'Equity',
      series: [{ name: 'equity', points: series([1, 3, 2]), filled: true }],
      format: formatAxis,
    });
    const page = htmlPage('Title', 'About', [{ heading: 'Charts', parts: [chart] }]);
    expect(page).not.toMatch(/https?:|src=|href=|url\(|@import/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).toContain('<polyline class="line s0" points="72,');
  });

  test('nothing is drawn outside of its chart', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.boolean(), (all, fromZero) => {
        const options = { title: 'x', format: formatAxis, fromZero };
        const svg = svgChart({
          ...options,
          series: [{ name: 'x', points: series(all), filled: true }],
        });
        for (const [, x, y] of svg.matchAll(/(?<=[" ])(-?[\d.]+),(-?[\d.]+)/g)) {
          expect(Number(x)).toBeGreaterThanOrEqual(0);
          expect(Number(x)).toBeLessThanOrEqual(960);
          expect(Number(y)).toBeGreaterThanOrEqual(0);
          expect(Number(y)).toBeLessThanOrEqual(320);
        }
        expect(svg).not.toMatch(/NaN|Infinity/);
      }),
      {
        numRuns: 300,
        examples: [
          [[5e-324, -5e-324], false],
          [[5e-324], true],
          [[1e-310, 2e-310], true],
        ],
      },
    );
  });
});

test('a cell with a comma or quotes is quoted', () => {
  expect(
    toCsv(
      ['a', 'b'],
      [
        [1, 'x,"y"'],
        ['', 2n],
      ],
    ),
  ).toBe('a,b\n1,"x,""y"""\n,2\n');
});
